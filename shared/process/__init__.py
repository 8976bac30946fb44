"""The skeleton of every role process: one way to start, to live, to drain and to end.

Why it exists: a role is only what differs between roles. Must not know: any one of them.

    role      what a role gives, and what every process has
    life      start, signals, drain, ordered end
    beat      the process's own keys, and the sign that it lives
    refused   when it is told that Redis refuses writes
    dispatch  new calls, one at a time, while there is a free slot
    outage    one outage of Redis: where it begins, where it ends
    exits     exit codes, and what leads to those of the set-up
    host      one process a name, none without its parent; who has a port
    admin     the port for health and metrics
    metrics   what /metrics says of every process
    lag       how late the event loop runs
    stalls    which line blocks it
    garbage   what collecting garbage costs, and what is kept out of it
    tasks     ending tasks for certain
"""
