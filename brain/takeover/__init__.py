"""A live call changes hands between brains.

Owns: what a next brain finds of a call, and how it goes on with it. Must not know: how a call is claimed,
what the sequencer makes of what was left.

    pending    what is to follow what is being said, written for a next brain
    inherited  what a brain has left, of card, `reply` and history
    begin      the beginning of a call that another brain had before
    handover   when a call goes to another brain, and to which
    giving     a draining brain gives its calls away
    expected   sessions that were begun for calls which only ring
    prepared   sessions for calls that are still another brain's
"""
