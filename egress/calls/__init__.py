"""Calls as this process has them: how they come and go, and what passes between a core and Redis.

Owns: the table of calls, their drivers, what is read for them and written of them. Must not know: the rules
of a call; they are in its core (egress/delivery.py).

    calls     the table: how calls come, how they go
    call      the driver of a call: the one door to its core
    readers   what others write to the process
    out_post  the way to ingress, and what waits for one
    window    the figures of a call every three seconds, and whose fault it is
    others    what brain and ingress say of a call
"""
