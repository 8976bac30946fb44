"""What a kernel is to a process, in memory and on virtual time: processes, clocks, chance, connections.

Why it exists: role code must run as it is, so what it stands on is replaced. Must not know: Trunkline.

    machine    one simulated process: whose callback it is, killed, stopped
    virtual    clocks and chance
    processes  pids, signals by pid, files that tell of an end
    loop       asyncio on virtual time
    history    what happened, and one figure for all of it
    transport  one side of a connection
    network    who listens, delays, cuts, resets
"""
