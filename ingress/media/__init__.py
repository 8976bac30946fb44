"""One media socket, from its handshake to its end, and the wire of the carrier behind it.

Owns: sockets, frames, what a media stream may say when. Must not know: calls, Redis, the webhooks. What
arrives goes up by callbacks; what is to be sent comes down by plain calls.

    stream       a media socket's session: the gate obeyed, the caller heard
    numbering    our own numbers for the caller's frames
    gate         which message is let through, in which state, until when
    protocol     the socket as an asyncio.Protocol
    frames       WebSocket frames by hand
    round_trip   how long a message takes to the carrier and back
    write_times  how long the kernel took to take what was written
    bounds       how much a stranger, and one socket, may ask of a process
    strangers    whoever is not known yet: counted, bounded, sent away
    wire         what ingress needs of a carrier's wire
    twilio       Twilio's
    parameters   what our TwiML tells the stream that it opens
"""
