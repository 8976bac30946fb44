"""`make chaos`: the call outlives us, tried process by process and step by step.

Owns: the rows, the calls under which each is played, their record and the offline checker over it. Must not
know: how the product keeps its promise.

    command        the command: rows over stages, a file for each, a table
    rows           every process, killed and stopped, at each step; deploys; a soak
    faults         what a row is
    stage          a stack, the simulators, the tool and the network around it
    story          what the caller does, what the model has by heart, how both sound
    director       one row played: the calls, the moment, the record
    patience       when a caller goes on
    trouble        how each fault is brought about
    relay          the network between Twilio and the bridge
    counting_tool  a tool that counts its own runs
    recorder       the simulators' records, frame by frame
    census         keys, descriptors, tasks, memory, sessions
    table          the table, on the screen and in the docs
    evidence/      what was recorded, and the invariants over it
"""
