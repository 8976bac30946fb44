"""Sound of the user's own: what is said word for word, what plays while the caller waits.

Owns: reading files, what is wrong with one, what a telephone line makes of it. Must not know: agents, when
anything is played, who plays it.

    files   a file as it is to be played, or a sentence that says what is wrong with it
    kinds   what a sound is for: a notice, or one that is played again and again
    levels  how loud it is, and how loud it is to be
"""
