"""Words that are typed, as sound on a telephone line.

Why it exists: who tries an agent of their own has sentences, and files of any form, where a call carries
µ-law of 8 kHz. Owns: the way from text or file to that. Must not know: who says it, and when.

    levels    loudness and pauses that a voice detector takes for one turn
    stand_in  a sound in place of words, where nobody can speak
    espeak    espeak-ng, where it is installed
"""
