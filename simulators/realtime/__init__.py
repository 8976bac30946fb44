"""A faithful OpenAI Realtime API (GA, WebSocket).

Why it exists: it behaves as recorded sessions do: order of events, bursts of audio, races of cancels,
refusals; and it does what real sessions do too rarely to wait for. What it cannot do is listen: the
conversation is a script. Owns: that API, and a record of each session. Must not know: who its client is.

    script      the conversation that the model has by heart
    knobs       what can be made to go wrong, or slow
    record      what a session saw and did
    voice       what the model's words sound like
    protocol/   client events: their shapes, limits and refusals; audio formats
    session/    one session as a core: events and time in, events out
    wire        WebSocket messages read without a task switch for each
    connection  one socket and its session, carried out
    server      the port, upgrades, the list of sessions
    cli         the command line
    __main__    `python -m simulators.realtime`
"""

from simulators.realtime.knobs import Knobs, ResponseKnobs
from simulators.realtime.record import SessionRecord
from simulators.realtime.script import Script
from simulators.realtime.server import RealtimeSimulator

__all__ = ["Knobs", "RealtimeSimulator", "ResponseKnobs", "Script", "SessionRecord"]
