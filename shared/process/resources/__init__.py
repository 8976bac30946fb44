"""What a process may take of its host: descriptors and memory, and what it does before it has none left.

Why it exists: the kernel tells nobody before it refuses, or kills. Must not know: what a role does, what it
has its descriptors and memory for.

    limits  what the kernel says: limits, and what is used
    memory  when a process is near its end for want of memory
    spared  libraries that a role does not load, though others would
    watch   looks, and has the process drain itself
"""
