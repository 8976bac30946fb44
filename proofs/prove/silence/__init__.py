"""`make prove-silence`: nobody is left in silence, tried kind by kind.

Owns: the rows, the calls in which each is tried. Must not know: how the product
keeps its promise.

    command    the command: all rows over several stacks, a table
    rows       every kind of silence
    faults     what a row is: a fault, when it begins, how long it lasts
    stage      a stack of processes and the simulators around it
    director   one row played: the moments, the caller's patience
    story      what the caller does, what the model has by heart
    cast       how the model behaves towards one call, now
    trouble    how each fault is brought about
    recording  a simulated call's record, as the ear wants it, also while the call goes on
    recognise  which clips a stretch of audio is made of
    limits     what is promised, and what was not kept
    table      the table, on the screen and in the docs
"""
