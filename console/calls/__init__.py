"""Calls and workers as they stand in Redis, and what an operator may ask of a call.

Owns: `calls`, `show`, `watch`, `say`, `hangup`, `drain`, and the reading that other rooms use. Must not know:
supervisord, the screen of `top`.

    commands  `calls`, `show`, `watch`, `say`, `hangup`, `drain`
    live      reading cards, streams and workers; sending what operators ask for
    ended     calls that are over: one index a lane
    ending    hanging up: the brain is asked, or nobody is left to ask
    trouble   what is wrong with a call, in words; whose fault its last window was
    takeovers  how often a call has changed hands, how it ends if nobody comes back
    firing    alerts of deploy/alerts that one look can tell
    beats     how long a worker has been silent, by the clock of whoever looks
    watching  one call as it happens
    journal   a line of the journal for people
    audit     who did what: written and read
    view      tables and lines for people
    data      JSON for programs
"""
