"""The speech model behind the brain: the interface, the sessions of a call, and one engine.

Owns: everything between the sequencer's words and a model's wire. Must not know: Redis, the caller's stream,
what was said before (it is told).

    engine     what the brain needs of a speech model: the interface, and the shapes that pass it
    lifeline   when a call's next session is tried, and when nothing helps any more
    attempts   one session, by as many attempts side by side as it takes
    sessions   the sessions of one call, one after the other
    probe      opens one session to see whether the model answers
    realtime/  the engine of OpenAI Realtime
"""
