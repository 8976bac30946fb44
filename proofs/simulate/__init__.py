"""Whole fault histories on virtual time: roles as they run, Redis, Twilio and the model in one process.

Why it exists: chance finds what no list of rows has, if what it found can be played again. Here a seed
decides every clock, every byte's delay and every fault; minutes pass in seconds, and the same seed is the
same history.

    kernel/     what a process stands on: loop, clocks, connections
    redis/      a Redis in this process
    seams       what else of a kernel a process touches
    world       all processes by name, and what can be done to them
    faults      which fault, when: from the seed
    trouble     brings them about
    promises    what must hold at the caller's ear, and in Redis
    play        callers, faults, judgement
    run         from a seed to its history, in a process of its own
    kept_seeds  those that once failed
    command     `make simulate`
"""
