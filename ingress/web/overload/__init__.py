"""When this process takes no new call although the deployment has room: rules, and what they are told.

Why it exists: whoever is on the line keeps their quality while more call than can be served. Must not know:
calls that are on the line, what a caller is told.

    rules     how a process stands, and whether one more call may come
    episodes  of many refusals, which get a line in the log
    load      looks how this process stands
"""
