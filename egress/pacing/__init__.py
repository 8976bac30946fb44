"""What leaves for the caller: when, in which order, and when nothing may.

Why it exists: a frame that comes late is heard as a gap, and one that comes too early cannot be taken back.
Owns: due times, the order of frames, marks and answers, the clock of the process. Must not know: which
entries of `reply` count, what an echo proves, who had the call before.

    metronome   the one clock of the process, and the batch that a tick sends
    pacer       when the next frames are due
    sender      frames, marks and answers, in the order in which they leave
    answers     which debt the frames that leave answer
    standstill  playback stands still while it is found out whether the caller interrupts
"""
