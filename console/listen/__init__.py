"""Listening to a live call: both sides, switched on for that call alone.

Owns: the sound as one hears it, who goes on listening, that it is noted. Must not know: whether the call is
recorded.

    sound     what comes of a call, in order, for as long as somebody listens
    speaker   a loudspeaker of this machine, through sounddevice
    commands  `trunkline listen`
    views     the same for a page of the web console
"""
