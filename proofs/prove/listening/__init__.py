"""What a caller hears, and for how long there was no sound while some was owed.

Owns: the ear that judges every proof about silence. Must not know: which proof that is, or what is allowed.

    ear    what is owed, since when, and when it was paid
    spans  stretches of time
"""
