"""What came of a call's `reply`: judged, cut into frames, held for as long as somebody may ask for it.

Owns: the audio of a call from its entries up to its frames. Must not know: when anything leaves, the way to
ingress.

    intake   which entries of `reply` count, and how much is held
    framer   20 ms frames, from pieces of any length
    backlog  the audio that is held: sent and not, confirmed and not
"""
