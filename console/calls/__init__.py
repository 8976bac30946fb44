"""Calls and workers as they stand in Redis, and what an operator may ask of a call.

commands  `calls`, `show`, `watch`, `say`, `hangup`, `drain`
live      reading cards, streams and workers; sending what operators ask for
watching  one call as it happens
journal   a line of the journal for people
view      tables and lines for people
data      JSON for programs
"""
