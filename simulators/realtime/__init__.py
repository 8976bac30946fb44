"""A faithful OpenAI Realtime API (GA, WebSocket) for tests, demo and benchmark.

It behaves as recorded sessions do: event order, burst delivery, cancel races, refusals. What it
knows is documented in docs and in the modules; what it cannot do is listen: the conversation is a
script. Usage: `async with RealtimeSimulator(script="english") as sim: … sim.base_url`.
"""

from simulators.realtime.knobs import Knobs, ResponseKnobs
from simulators.realtime.record import SessionRecord
from simulators.realtime.script import Script
from simulators.realtime.server import RealtimeSimulator

__all__ = ["Knobs", "RealtimeSimulator", "ResponseKnobs", "Script", "SessionRecord"]
