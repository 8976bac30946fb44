"""One call in the brain: the driver, and what belongs to one call.

Owns: how the parts of a call work with one another. Must not know: a model's wire, the sequencer's rules.

    call          the driver: a call's life, and the one door to the sequencer
    parts         which parts a call has, and with what figures of the agent each is made
    from_model    what the model says, and which part is told what
    from_control  what other processes and operators say, and which part is told what
    reports       which control messages are inputs of the sequencer
    reply         the model's audio and its boundaries, written for egress
    owing         what the caller is owed: told to ingress, and the model's part of it
    acting        carries out what the sequencer asks for
    leaving       what ingress is asked for: to let the call go, to move it
    limits        what may not go on for ever: silence, and the call itself
    watch         looks twice a second for what nobody says
    window        how the model keeps up, for the verdict
    stopwatch     how long a caller waits
    lines         the call's lines in journal and log
"""
