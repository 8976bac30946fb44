"""Role processes that misbehave on purpose: each becomes a role and does one thing more.

Why it exists: product code knows nothing of proofs, so what it shall suffer is put around it. Owns: these
wrappers. Must not know: what a role does.

    becoming    how each becomes a role; the commands of a stack of them
    busy        its main thread is kept busy
    failpoint   it dies or stands still at an exact step
    timed       it knows how long each step of its loop computes
    unguarded   one of its guards is off
    unanswered  one write whose answer is lost, and how often it is done
    unwatched   it keeps no figures of itself
    slow_tools  a tool of theirs that takes its time
"""
