"""The streams of Redis, a module each: the entry, both ways, its bound, who may be rung with it.

Each entry carries `v`; unknown fields are ignored, an unknown `v` is counted and passed over. Short names
stand on the hot streams only.

    calls      new calls of a lane, waiting for a brain and an egress
    caller     the caller's voice on its way to the model, and the open turn's audio
    reply      the model's audio on its way to the caller
    pairs      `out` and `back`: many calls in one entry, between egress and ingress
    tape       `tape` and `tapes`: both sides of a call as sound, while somebody wants it
    doorbell   `wake`: where a worker is told that there is something to read
    control    commands and reports between the processes of a call, and what operators type
    journal    a line for each transition of a call, for people
    history    the conversation as a next brain needs it
    hooks      what the user's own systems are still to be told
    audit      what operators did
"""
