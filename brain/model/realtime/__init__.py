"""OpenAI Realtime behind the brain's `Engine`: one WebSocket session, raw frames both ways.

Owns: everything that knows the Realtime protocol. Must not know: the call, Redis, when something is said.

    engine     a session from open to close: socket, reading, writing
    gate       nothing flows before µ-law is confirmed both ways
    seed       telling a new session what was said before it
    translate  server events → inputs, actions → client events
"""

from brain.model.realtime.socket import RealtimeEngine

__all__ = ["RealtimeEngine"]
