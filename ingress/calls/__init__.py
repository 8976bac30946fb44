"""Calls as this process serves them: attached, fenced, reported, ended.

Why it exists: a call has several media streams one after another, here and in other processes; what must be
one over all of them stands here. Owns: calls. Must not know: HTTP, TwiML, how the carrier spells its
messages.

    switchboard  sockets in, calls through: the reader of `out`, the sweep
    attaching    how a stream becomes a call's, and what becomes of the call without it
    departures   when the calls of a process that ends are moved
    ending       the rule: ends a call whose stream is gone, or waits
    figures      what ingress tells the card of a live call by itself
    holding      their places in the count of all calls
    strays       calls that Redis says are here, and that are not
    table        which calls and media streams are here
    registry     the rare steps of a call in Redis, asked with patience
    services     what all calls of a process share
    call         one call: what goes to its socket, what comes from its caller
    fence        what of `out` may still be heard
    owed         the sound that a caller is owed: when the clip is played, when we apologise
    post         reports to egress, many calls in one entry
"""
