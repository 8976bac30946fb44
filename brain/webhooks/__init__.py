"""Webhooks to the user's own systems: a call's start, its end, a tool that failed.

Owns: what is told, and telling it as often as it takes. Must not know: the calls' audio, a model's wire.

    events   the bodies of the events, and when a failed one is tried again
    courier  brings them, from a stream that all brains share
"""
