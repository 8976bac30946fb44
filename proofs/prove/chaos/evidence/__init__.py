"""What is recorded of a row, and the offline checker over it.

Owns: frames that say whose they are, the shapes of a record, the invariants I1 to I7. Must not know: how a
row is played.

    coding     20 ms of audio that say whose they are
    shapes     what was recorded of a row, as plain data and as a file
    finding    a figure beside its bound; what a row allows
    order      I1 and I2: what was heard came once, in order, and not after its cut
    turns      the model got every word of the caller, and answered
    quiet      I4: silence at the ear, and how calls end
    owners     calls that were taken from the living
    leftovers  I3, I5, I6, I7: tools, queues, the base line, other calls
    verdict    all of it over one record
"""
