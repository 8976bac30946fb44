"""Twilio's side of a call, faithful enough to trust a bridge by.

It posts the signed voice webhook, carries out the TwiML, opens the media stream, plays what the
bridge sends on a wall clock and records what the caller heard. It knows nothing of the bridge.
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
