"""Recordings of any usual form, as a telephone line carries them.

Why it exists: what an agent plays and what is said to one on trial come as the same files. Owns: the form of
a file, its sampling rate. Must not know: what a sound is for, how loud it is to be.

    wav       a WAV file of any usual form → samples
    resample  any sampling rate → 8 kHz
"""
