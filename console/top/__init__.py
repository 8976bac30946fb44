"""`trunkline top`: all calls and workers on one screen, with keys to act on them.

Owns: the screen: its rules are told keys and what was read, one module knows the terminal. Must not know:
how calls are read or hung up.

    screen   the terminal, the rhythm of reading and drawing
    keys     bytes of a terminal → names of keys
    state    state and key → state and acts
    view     state and snapshot → the lines of the screen
    columns  a call's or a worker's row in it
    opened   an open call in it
"""
