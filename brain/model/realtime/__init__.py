"""OpenAI Realtime behind the brain's `Engine`: one WebSocket session, raw frames both ways.

Owns: everything that knows the Realtime protocol. Must not know: the call, Redis, when something is said.

    session     what the server is told of an agent: the objects of `session.update`
    gate        nothing flows before µ-law is confirmed both ways
    seed        telling a new session what was said before it
    translate   server events → inputs, actions → client events
    voice       for how long the caller's voice was heard, by the server's offsets
    usage       what responses and transcripts have used, when the caller's voice was
    proof       how far the server is proven to have heard the caller
    updates     which of our updates a running session has answered
    headroom    how much of the account's rate is left, for ingress
    frames      text frames of a client: a header, a mask, the bytes
    link        the socket, read and written without a task
    connection  how the socket is opened and kept alive, its end as a cause
    socket      a session from open to close: reading and writing
"""
