"""The states of the sequencer: each that a few inputs reach, and when two of them are one.

Owns: the walk. Must not know: how a violation is told to people.

    canonical  when two states are one
    walk       every state that a few inputs reach
"""
