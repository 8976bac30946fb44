"""What happened in one call, for people: bands over time, turns, words as they were heard, why it ended.

Why it exists: journal and history have all of it, line by line; a person wants to see it. Owns: what is made
of these two. Pure, all of it: entries in, tables and drawings out. Must not know: Redis, the archive, a
page.

    bands       the model of the picture: bands, marks, responses
    telling     which entry begins or ends which band
    unheard     how much of what the model had made was not heard yet, over time
    drawing     the picture: bands as SVG
    transcript  what was said, as heard, with what was never heard
    turns       a row a turn: from the end of a voice to the first sound of the answer
    ending      why a call ended, in words
"""
