"""What a load of calls is heard as, and what it costs.

Owns: the run of a load, its figures, and the yardstick to hold them against. Must not know: which figures are
promised.

    load          N calls at once on a whole stack, judged by both simulators
    cpu           CPU time of processes
    memory        memory of processes
    queues        how long the queues in Redis are while calls run
    tabs          the web console, looked at
    own_share     the simulators' own lateness kept out of what is judged
    plain_bridge  the plainest bridge that works: the yardstick for CPU
"""
