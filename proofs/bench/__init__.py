"""`make bench`: many calls at once against any Media Streams server, and against what it is compared with.

Why it exists: what a bridge adds and what it costs can only be said beside another bridge, on the same
machine, under the same calls, in the same sitting. So the load generator and the model are processes of their
own, whose share is printed apart, and every system meets the same callers and a model that thinks equally
long each time. Owns: the systems, the sitting, the figures and their forms, what is asked of them. Must not
know: why one is missed.

    command  the command line
    sitting  the runs, one system after the other
    order    which system comes when
    systems  how each system is started, and which processes are its own
    process  a process that is told what to do over a pipe
    callers  the load generator, as a process
    twiml    the webhook of a server that has none
    model    the model, as a process
    records  what the two write down
    judging  both records of a load, as figures
    medians  figures of several runs, and what is added to the leanest bridge
    targets  what is asked of the figures, and what of it was missed
    report   JSON and Markdown
    plots    PNG
    peers/   the servers that Trunkline is compared with
"""
