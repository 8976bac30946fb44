"""`make soak`: faults of every kind, drawn from a seed, one after another on one stack.

Owns: what is drawn, the run. Must not know: how a fault is brought about, or what is allowed: its rows are
those of `make chaos-full`, with their bounds.

    command  the command: a stack, rows until the time is over, what is left after all of them
    drawing  which row comes next
"""
