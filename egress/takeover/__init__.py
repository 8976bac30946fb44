"""A live call changes hands between egresses: with the next frame, and with the same account.

Owns: to whom a draining process gives its calls, what an owner leaves for the next one, from where that one
goes on. Must not know: how a call is claimed or released, how the card is read.

    handover   to whom calls go when the process drains
    taking_up  from which frame on an owner goes on that another was before
    positions  where the owner of a call begins, and what it saves for the next
"""
