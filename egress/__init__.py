"""The egress role: model audio out of Redis, in 20 ms frames on time, with a ledger of what was heard.

Why it exists: Twilio plays what it is sent and says late what was heard; here audio leaves at the moment at
which it must, and is accounted for until the caller has heard it. The folder is a ladder, each rung one idea,
which knows those above it in this list and not those below.

Owns: all that a call's audio needs between `reply` and `out`. Must not know: the model, sockets.

    framer      20 ms frames, from pieces of any length
    pacer       when the next frames are due
    accounts    the records of items and responses
    playback    the clock of what is heard
    marks       marks under way to Twilio and back
    stops       what echoes are worth after playback was stopped
    ledger      what was heard, and which response is audible
    backlog     the audio that is held: sent and not, confirmed and not
    positions   where the owner of a call begins, and what it saves for the next
    intake      which entries of `reply` count, and how much is held
    actions     what the core asks its driver to do
    answers     which debt the frames that leave answer
    taking_up   from where an owner goes on that another was before
    sender      frames, marks and answers, in the order in which they leave
    standstill  playback stands still while it is found out whether the caller interrupts
    delivery    the core of a call: the rules between all of these
    counters    what a process counts, over all its calls
    out_post    the way to ingress, and what waits for one
    metronome   the one clock of the process, and the batch that a tick sends
    call        the driver of a call: the one door to its core
    others      what brain and ingress say of a call
    window      the figures of a call every three seconds, and whose fault it is
    handover    to whom calls go when the process drains
    calls       the table of calls: how they come, how they go
    readers     what others write to the process
    role        the five verbs of the role, and what is done once a second
"""
