"""Both sides of a call as sound, for a recorder or a listener.

Why it exists: ingress alone sees what the caller said and what was given to their socket, and when it was
voided. Owns: that. Must not know: files, who listens, why a call is recorded.

    tracks  the two sides of one stream laid on one clock: what was received, what was heard (pure)
    taper   what the brain wants of it, and what goes to Redis
"""
