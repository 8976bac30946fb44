"""Twilio's side of a call, faithful enough to trust a bridge by.

Why it exists: it posts the signed voice webhook, carries out the TwiML, opens the media stream, plays what
the bridge sends on a wall clock and records what the caller heard. Owns: all that, and the faults of each.
Must not know: the inside of the bridge.

    simulator   the entry: makes calls to one bridge
    phone_call  one call: webhook, TwiML verb by verb, media streams, the end
    line        the caller's telephone line: 20 ms in, 20 ms out
    caller/     what the caller does and says
    media/      one media stream: WebSocket, messages, playout
    webhooks/   forms, signatures, requests, TwiML
    metronome   one 20 ms clock for all calls
    rest        the REST API: has a live call go on elsewhere
    knobs       what can be made to go differently
    codes       Twilio's error and warning codes
    record      what a call was
    measures    figures drawn from a record
    load        many calls at once
    bad_client  a client that does what Twilio never would
    cli         the command line
    __main__    `python -m simulators.twilio`
"""

from simulators.twilio.caller.clip import Clip, read_clip
from simulators.twilio.caller.plan import (
    CallPlan,
    DialOutcome,
    Do,
    Dtmf,
    HangUp,
    InterruptAfter,
    Pause,
    Speak,
    Step,
    WaitForEnd,
    WaitForSilence,
    WaitForSpeech,
    WaitUntil,
    conversation,
)
from simulators.twilio.knobs import FAST, CallUpdate, Injection, Knobs, Pace, Window
from simulators.twilio.record import CallRecord, PlanFailed
from simulators.twilio.rest import RestFaults
from simulators.twilio.simulator import LiveCall, TwilioSimulator

__all__ = [
    "FAST",
    "CallPlan",
    "CallRecord",
    "CallUpdate",
    "Clip",
    "DialOutcome",
    "Do",
    "Dtmf",
    "HangUp",
    "Injection",
    "InterruptAfter",
    "Knobs",
    "LiveCall",
    "Pace",
    "Pause",
    "PlanFailed",
    "RestFaults",
    "Speak",
    "Step",
    "TwilioSimulator",
    "WaitForEnd",
    "WaitForSilence",
    "WaitForSpeech",
    "WaitUntil",
    "Window",
    "conversation",
    "read_clip",
]
