"""Whole fault histories on virtual time: roles as they run, Redis, Twilio and the model in one process.

Why it exists: chance finds what no list of rows has, if what it found can be played again. Here a seed
decides every clock, every byte's delay and every fault; minutes pass in seconds, and the same seed is the
same history.

    kernel/       what a process stands on: loop, clocks, connections
    redis/        a Redis in this process
    seams         what else of a kernel a process touches
    conversation  what is talked about, and the agent
    world         all processes by name, and what can be done to them
    callers       what callers do
    faults        which fault, when: from the seed
    trouble       brings them about
    limits        what a caller bears, by the faults
    order         whether what was said was heard in its order
    promises      what must hold at the caller's ear, and in Redis
    kept_seeds    those that once failed
    play          callers, faults, judgement
    crowd         more callers than places
    run           from a seed to its history, in a process of its own
    command       `make simulate`
    __main__      `python -m proofs.simulate`
"""
