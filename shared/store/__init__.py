"""How what the processes agree on is carried: by redis-py what is rare, by hand what is not.

Why it exists: audio is a few thousand commands a second, all else is a few. Must not know: what a key or an
entry means.

    errors     what is raised, as a tree
    refusals   which errors of Redis pass, and which never do
    client     the typed store: commands that are awaited
    gathering  how long what is to be written or read waits for company
    inbox      the one reader of a process and lane
    writing/   what nobody awaits: gathered, committed, sent again
    reach/     which server has a key, and the connections to it
    access/    what a Redis must be like, and what its user must be allowed
"""
