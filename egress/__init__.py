"""The egress role: model audio out of Redis, in 20 ms frames on time, with a ledger of what was heard.

Why it exists: Twilio plays what it is sent and says late what was heard; here audio leaves at the moment at
which it must, and is accounted for until the caller has heard it.

Owns: all that a call's audio needs between `reply` and `out`. Must not know: the model, sockets.

Imports go down this list.

    role       the process: its five verbs, and what is done once a second
    calls/     calls: how they come and go, the driver of each, what others write to them, their windows
    counters   what a process counts, over all its calls
    delivery   the core of a call: the rules between all that follows
    takeover/  a live call changes hands between egresses
    pacing/    what leaves: when, in which order, and when nothing may
    reply/     what came of `reply`: judged, cut into frames, held
    heard/     what the caller has heard: the account, its clock, the marks
    actions    what the core asks its driver to do
"""
