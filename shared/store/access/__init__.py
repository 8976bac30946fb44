"""What a Redis must be like before a process works with it, and what its user must be allowed.

Why it exists: a wrong Redis loses calls without a word, hours later. Must not know: what is written or read.

    check        version, memory policy, lanes, shape
    grants       which role needs which commands and keys
    permissions  whether a user has them
"""
