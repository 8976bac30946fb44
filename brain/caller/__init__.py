"""The caller's side of a call in the brain: their voice, their turns, their keys.

Owns: what of the caller is told to the model, and when it is forgotten in Redis. Must not know: what the
model says, how a call is left.

    audio    from entries of the caller's stream to audio: order, gaps, batches
    hole     words of theirs that reached nobody, and when they are asked for them
    turns    the caller's open turn, and what of their voice a next session must be told
    voices   what the caller said, as sound, for as long as there is no text of it
    unmoved  what was given to the session and stands in the stream still
    moves    what the models got, moved out of the callers' streams: many calls at once
    feed     from the stream into a session, one session after the other
    keypad   keys put together to what was typed
    away     where the caller is, and what it means when they return
"""
