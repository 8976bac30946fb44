"""Makes the teller of one call, and has it follow the agent that answers.

Why it exists: a call's bill goes on where the brain before left it, under the name of the agent that answers
now, whose detector says what it adds to a voice. Owns: what of a card and of an agent a teller begins with.
Must not know: what the teller makes of it.
"""

from __future__ import annotations

from brain.agents.agent import Agent
from brain.telling.meter import Meter
from brain.telling.spending import Spending
from brain.telling.teller import CallTeller, Pen
from brain.telling.voice import VoiceBand
from shared.contract.bill import usage
from shared.contract.errors import ContractError
from shared.contract.views import BrainView
from shared.ownership.owner import Owner
from shared.process.role import Process


def make_teller(
    process: Process, spending: Spending, owner: Owner, card: BrainView, agent: Agent, pen: Pen
) -> CallTeller:
    """Of the call that `card` describes, answered by `agent`."""
    try:
        usages = usage.load(card.usage)
    except ContractError as error:  # A bill that cannot be read ends no call: it begins anew.
        process.ownership.unread(error, process.log)
        usages = ()
    meter = Meter(spending, owner.call_sid, agent.name, owner.card, usages)
    return CallTeller(pen, meter, VoiceBand(*_added_ms(agent)), owner.card, response_ms=card.response_ms)


def follow(teller: CallTeller, agent: Agent) -> None:
    """Another agent answers: what is used from now on is that one's."""
    teller.meter.agent = agent.name
    teller.voice.before_ms, teller.voice.behind_ms = _added_ms(agent)


# Private.


def _added_ms(agent: Agent) -> tuple[float, float]:
    """What its detector adds before and behind a voice."""
    turn = agent.turn_detection
    return (float(turn.prefix_ms), float(turn.silence_ms)) if turn.kind == "server_vad" else (0.0, 0.0)
