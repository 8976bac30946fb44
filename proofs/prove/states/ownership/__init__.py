"""Every state of who has a call that a few steps reach: owners, streams, and a Redis that forgets.

Owns: the model (docs/design.md, Ownership), the walk over it, its invariants, `make prove-ownership`. Must
not know: how the processes are written.

    redis       what Redis holds of one call, and what each script makes of it
    world       all who have to do with it, and what each knows
    asking      one request: answered, its answer lost, late
    ingresses   what an ingress does by itself
    workers     what a brain or an egress does by itself
    faults      what befalls them
    invariants  what must hold
    canonical   when two worlds are one
    walk        the kinds of worlds, breadth first
    command     `make prove-ownership`: who has a call, exhaustively
"""
