"""The Lua scripts: their texts, how they are loaded and answer, what they write of the card.

Why it exists: what must happen in one step happens in Redis. Owns: the scripts. Must not know: when one is
asked for.

    scripts   loading them, their answers
    scripted  which fields of the card they write
"""
