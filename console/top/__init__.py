"""`trunkline top`: all calls and workers on one screen, with keys to act on them.

screen   the terminal, the rhythm of reading and drawing
keys     bytes of a terminal → names of keys
state    state and key → state and acts
view     state and snapshot → the lines of the screen
columns  a call's or a worker's row in it
opened   an open call in it
"""
