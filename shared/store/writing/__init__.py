"""What nobody awaits, written: gathered by lane, committed together, sent again after a loss.

Why it exists: the audio path never waits for Redis. Must not know: what a write means.

    writer       what roles see of an outbox, or of several
    outbox       one connection, and all that goes through it
    outboxes     on a Cluster: an outbox a lane
    write_queue  what waits to be written, in order
    commits      when it is sent, what is sent together, and what its replies mean
    counters     what the outbox counts
    pair_batch   pairs of `out` and `back`, gathered by the worker that they are for
    forbidden    what the user may not do: kept by key, asked again
    outage       what is told of an outage, and of writes that are refused
"""
