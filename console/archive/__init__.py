"""Calls that are over, kept for days: what Redis keeps for an hour only.

Owns: what is kept of a call and for how long, finding it, forgetting a caller. Must not know: the roles, a
page.

    kept      what is kept of one call, and how it is written down
    shelf     the interface: put, find, forget; what is asked for
    sql       a shelf in SQLite or PostgreSQL
    forget    all that is kept of one caller goes: on the shelf and in Redis
    writer    the process that reads ended calls and puts them on the shelf
    commands  `archive`
"""
