"""Sound that is no answer: what a caller hears while there is none.

Owns: which sounds there are, where each has come, what of them the carrier still has. Must not know: what is
owed, sockets, the carrier's wire.

    hold_clip  our own chime, where an answer should come and does not
    filling    the user's sound, again and again, while a tool works or the caller waits
    ours       what of all this the carrier has not played yet
    shelf      the user's sounds by their names, as brains have told of them
"""
