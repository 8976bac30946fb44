"""Figures: how they are counted, and what they say about whose fault trouble is.

Why it exists: what is counted fifty times a second and call must cost an addition. Must not know: any single
counter.

    histograms  a bisect and an increment
    counters    from declared fields to /metrics
    hops        how long an entry was under way
    rolling     the worst of the last seconds, and when it is told
    diagnosis   the verdict on a window
    prices      what usage costs, by a dated table
"""
