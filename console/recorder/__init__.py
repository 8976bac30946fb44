"""Recordings: both sides of a call as a sound of two channels, kept for days.

Owns: the folder, who writes it, how long it stays. Must not know: whether a call is to be recorded (the brain
says so), what was said in it.

    placing   where every piece goes: gaps, pauses, several streams (pure)
    files     the folder: sounds, sidecars, what is under way
    telling   what is told of a recording: sidecar, webhook
    sidecar   what stands beside a sound, in words (pure)
    worker    the process: reads, places, trims, finishes
    commands  `trunkline recorder`
"""
