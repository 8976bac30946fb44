"""One Realtime session as a core: messages and time in, actions out.

Owns: everything that a session decides. Must not know: sockets and clocks; `server` carries out the actions
and says what time it is.

    core          the session: the door of every client event
    config        the configuration in force, and what an update may change
    hearing       the input side: buffer, turns, transcription, idle callers
    vad           where speech begins and ends, by bytes
    conversation  the items, and the rules for each way to touch them
    responses     which responses exist, and who holds the slot
    plan          when each piece of a reply is generated
    output        what the events of a response look like
    outlet        the way out, shared by all parts
    ids           ids in recorded shapes
    tokens        what a response was given, and what of it was cached
    timers        due times
"""
