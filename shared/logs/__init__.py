"""Logs: one line an event, safe to read, never in the way of audio.

Why it exists: a log that blocks stops calls, and one that a peer can garble misleads. Must not know: who logs
what.

    log     structlog's set-up: clocks, ids, JSON or text
    text    text of others, made safe for a line
    writer  the thread that writes
"""
