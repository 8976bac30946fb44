"""Everything that two processes must agree on; writer and reader of a shape stand in one module.

Why it exists: a word that is spelt in two places is one day spelt in two ways, and the process that reads it
takes what is missing for a 0. Nobody outside names a field, a kind, a plan or a figure: records go in and
out.

Owns: every word in Redis. Pure, but for loading the scripts. Must not know: Redis itself, when something is
written, what follows from it. docs/design.md is its page.

    errors      what can be wrong with what another process wrote
    keys        names of keys, lanes, TTLs
    entry       ids, version and stamp of all entries
    record      typed, flat records: how they are written and read, what may be missing
    command     what the outbox is given
    worker      names of workers, and what each says of itself
    card        the hash of a call: who writes what of it
    views       what each reader sees of it
    owed        what sound is owed for, in words
    speech      what no model says: Twilio's own voice, sounds of the user's; from the brains, for ingress
    bill/       what calls have used and what they have cost
    window      what each role says of a call every three seconds, and the summary of it
    streams/    the entries, a module a stream
    lua/        the scripts: their texts, loading, answers, what they write of the card
    admission/  who has a place among all calls, and what else a new one is judged by
    steps       the rare steps of a call, a typed function a script
    claiming    those by which a role of it is taken, given back, taken from the dead
    writes      what is written while a call lives, a typed function a script
"""
