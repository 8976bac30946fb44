"""What the caller has heard: the one account of it, the clock that it goes by, the marks that prove it.

Why it exists: audio that was made, queued or sent was not heard, and Twilio says late what it has played.
Owns: what was received, sent, acknowledged and heard of each item; which response is audible. Pure. Must not
know: bytes of audio, schedules, wires.

    ledger    what was heard, and which response is audible
    playback  the clock of what is heard
    marks     marks under way to Twilio and back
    stops     what echoes are worth after playback was stopped
    accounts  the records of items and responses
"""
