"""Who is calling, before the greeting: the user's system is asked, and what it says becomes the call's agent.

Owns: the request `call.incoming`, what an answer may say, who answers a call by it and who goes on with it.
Must not know: what becomes of a session, when somebody is greeted.

    answer       what may be said of a call, by whom: read, bounded, written down
    cast         who answers one call: an agent, with what is known of the call filled in
    asking       the requests that are under way: begun while a call rings, used once
    opening      the sessions of whoever answers: what a provider is told when one is opened
    first_words  what a caller hears first: recordings, and the greeting
    casting      who answers one call, from its first moment to its last: found out, changed in between
"""
