"""Who may come in: one count of all calls, outside the lanes, and what else a new call is judged by.

Why it exists: a lane knows its own calls only. Owns: the words of admission in Redis. Pure. Must not know:
which lane a call is of, when it is asked, what a caller who is refused is told.

    count    who has a place, and what a caller has had in a day: a typed function a script
    callers  the name under which a caller's day is kept: no number
    model    how much of the model account's rate is left
"""
