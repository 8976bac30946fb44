"""The caller: what they will do, what they say, and how a plan is carried out.

Owns: plans, clips and conduct. Must not know: sockets, Twilio's messages.

    plan     the steps that a caller will take, as data
    clip     what the caller says: audio in ready-made frames
    conduct  the caller: carries out a plan, 20 ms at a time
"""
