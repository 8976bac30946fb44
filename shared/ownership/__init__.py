"""Who owns a call, and what an owner may do: reading and writing by the contract, over the store.

Why it exists: a call outlives each of our processes. Must not know: what a role does with a call.

    counters      calls as they come and go between owners
    steps         attach, detach, defer, claim, release, disown, end, reserve: awaited
    turning_away  the end of a call that nobody can serve, in words
    owner         an owner's pen: its fenced writes
    journal       a process's pen for the journals of its calls
    control_feed  an owner's eye: the control messages of one call
    workers       all workers of the deployment, by their own beats
    tidying       what a janitor asks of Redis, a typed function a script
    admitting     the count of all calls: admit, hold, vacate, awaited
    guard         a bug that is met in one call stays in it
    liveness      which of them count as dead
    each_lane     what is done in each lane, whichever server is away
    owned_watch   the calls of the dead, and ours that we do not know
"""
