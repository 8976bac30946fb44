"""Every state of the response sequencer that a few inputs reach.

Owns: the walk and its invariants. Must not know: how a rule decides, how deep it is walked.

    walk        the alphabet, each step, and what must hold
    canonical   when two states are one
    ownership/  the same, for who has a call
"""
