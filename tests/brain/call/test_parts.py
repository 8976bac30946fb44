"""Which parts a call has: made of its card and of its agent."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from brain.call.call import BrainCall
from brain.role import BrainRole
from brain.sequencer import Sequencer
from shared.contract.card import CallState, Next
from shared.contract.entry import FIRST
from shared.contract.views import BrainView
from shared.process.life import make_process
from shared.settings import load
from tests.brain.stage import INGRESS, sid

CARD = BrainView(
    state=CallState.ATTACHED,
    leg=3,
    ingress=INGRESS,
    cut=7,
    agent="",
    caller="…11",
    called="+15550002222",
    started_at_ms=0,
    frame_n=0,
    claims=1,
    restored_at_ms=None,
    control_pos=None,
    next=Next.NOTHING,
    next_arg="",
    cause=None,
    pending=None,
    pending_arg=None,
    pending_call=None,
    pending_leg=None,
    pending_said=None,
    playhead_item=None,
    playhead_ms=None,
    audible_response=None,
)


async def made(card: BrainView, epoch: int = 1) -> BrainCall:
    """A call of a process that has no Redis: what it writes waits."""
    process = make_process("brain", 0, load(env_file=None, openai_api_key="key"))
    role = BrainRole(process)
    call = BrainCall(process, role._services, sid(), epoch, card)
    await process.store.aclose()
    return call


async def test_a_call_goes_on_where_its_card_says() -> None:
    """The cut, the stream, the place in `control`."""
    call = await made(replace(CARD, control_pos="17-0"), epoch=2)

    parts = call._parts
    assert (parts.sequencer.cut, parts.leaving.leg, parts.leaving.ingress) == (7, 3, INGRESS)
    assert parts.control.reader.position == "17-0"
    assert cast(Sequencer, parts.sequencer).state.config.token_prefix == "b2"


async def test_the_sequencer_knows_what_its_agent_lets_a_caller_cut() -> None:
    """And whether the server does that by itself."""
    config = (await made(CARD))._parts.sequencer.state.config

    assert (config.greeting_interruptible, config.server_interrupts) == (True, True)


async def test_a_new_call_begins_at_the_start() -> None:
    """Nobody has read anything of it."""
    call = await made(CARD)

    assert call._parts.control.reader.position == FIRST
    assert call._parts.away.is_here


async def test_a_caller_who_was_gone_when_the_call_was_taken_is_away() -> None:
    """Until a stream comes."""
    call = await made(replace(CARD, state=CallState.DETACHED))

    assert not call._parts.away.is_here


async def test_each_session_of_a_call_has_its_own_tag() -> None:
    """By which its own events differ, and by which the provider can be asked about it."""
    call = await made(CARD, epoch=4)

    engine = call._parts.sessions._make_engine(2, True)

    opening = engine._opening  # type: ignore[attr-defined]
    assert (opening.tag, opening.seeded) == ("b4s2", True)
    assert opening.headers == {"X-Client-Request-Id": f"{sid()}/b4s2"}
