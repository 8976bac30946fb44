"""Webhooks to the user's own systems: a call's start, its turns, its end; a tool that failed.

Owns: what is told, and telling it as often as it takes. Must not know: the calls' audio, a model's wire.

    events    the bodies of the events, and when a failed one is tried again
    live      what is told while a call goes on
    turns     a call's turns, of the lines of its journal
    exchange  the words of one turn
    moments   moments as the bodies have them
    courier   brings them, from a stream that all brains share
"""
