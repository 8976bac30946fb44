"""How what the processes agree on is carried: by redis-py what is rare, by hand what is not.

Why it exists: audio is a few thousand commands a second, all else is a few. Must not know: what a key or an
entry means.

    errors       what is raised, as a tree
    client       the typed store: commands that are awaited
    permissions  whether the Redis user may do all that is done
    check        what a Redis must be like at the start
    refusals     which errors of Redis pass, and which never do
    link         one raw connection: packed bytes out, replies to callbacks
    keeper       one connection after another
    write_queue  what waits to be written, in order
    gathering    how long what is to be written or read waits for company
    commits      when it is sent, what is sent together, and what its replies mean
    outbox       the one writer of a process
    counters     what the outbox counts
    outage       what is told of an outage, and of writes that are refused
    inbox        the one reader of a process and lane
"""
