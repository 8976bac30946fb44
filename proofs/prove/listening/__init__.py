"""What a caller hears, and for how long there was no sound while some was owed.

Owns: the ear that judges every proof about silence, and what the model is told of it. Must not know: which
proof of silence that is, or what is allowed there.

    ear        what is owed, since when, and when it was paid
    heard      `make prove-heard`: what the model is told of the ear, over networks that take their time
    pauses     replies that stand still while a caller coughs or murmurs
    own_sound  notices, and what is heard while a tool works
    spans      stretches of time
"""
