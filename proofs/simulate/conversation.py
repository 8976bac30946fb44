"""What is talked about: the model's part by heart, and the agent whose tools it calls.

Why it exists: a fault finds what a call does meanwhile, so calls must do all that they can: answer at once,
look something up, send the caller elsewhere and get them back, say goodbye. Owns: the script, where the
agent's file is. Must not know: callers, faults.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from simulators.realtime.script import Call, Output, Say, Script, Turn

AGENTS_FILE: Final = Path(__file__).with_name("agents.toml")

LONG, SHORT, ORDER = Say("en_model_long"), Say("en_model_short"), Say("en_model_order")


def _call(name: str, **arguments: str) -> Call:
    return Call(name, json.dumps(arguments))


def _turn(*reply: Output, then: Output | None = None) -> Turn:
    return Turn(heard_clip="en_caller_ask", reply=reply, after=() if then is None else (then,))


CHECK_ORDER = _call("check_order", order_number="4217")

SCRIPT: Final = Script(
    name="simulated",
    language="en",
    greeting=(Say("en_model_greeting"),),
    turns=(
        _turn(LONG),
        _turn(CHECK_ORDER, then=ORDER),
        _turn(SHORT),
        _turn(SHORT, CHECK_ORDER, then=ORDER),
        _turn(SHORT, _call("transfer_call", destination="front_desk"), then=SHORT),
        _turn(LONG),
        _turn(SHORT, _call("send_digits", digits="1w2#"), then=ORDER),
        _turn(LONG),
        _turn(SHORT),
        _turn(_call("end_call", farewell="Say goodbye."), then=Say("en_model_goodbye")),
    ),
    idle=(Say("en_model_idle"),),
    other=(SHORT,),
)
