"""The skeleton of every role process: one way to start, to live, to drain and to end.

Why it exists: a role is only what differs between roles. Must not know: any one of them.

    role        what a role gives, and what every process has
    life        start, signals, drain, ordered end
    beat        the process's own keys, and the sign that it lives
    neighbours  the other workers of the role, and who is told of their deaths
    dispatch    new calls, one at a time, while there is a free slot
    exits       which exit code an error of the set-up has
    host        one process a name, none without its parent, let in soon; who has a port, who has ended
    admin       the port for health and metrics
    metrics     what /metrics says of every process
    lag         how late the event loop runs
    awake       time in which the process ran
    stalls      which line blocks the loop
    garbage     what collecting garbage costs, and what is kept out of it
    tasks       ending tasks for certain, a job over many calls in turns
    resources/  descriptors and memory, before there are none
"""
