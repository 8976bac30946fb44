"""A Redis in the process of the test: exactly what Trunkline asks of one, on virtual time.

Why it exists: a real one has a clock and a scheduler of its own, so no run with it replays. Its tests hold it
against real ones. Must not know: Trunkline, but for the list of commands.

    entries          streams, groups, what is pending
    keyspace         keys, TTLs, copies for a failover
    plain_commands   keys, hashes, sets, sorted sets
    stream_commands  streams and groups
    scripts          Lua
    server           connections, order, who blocks
"""
