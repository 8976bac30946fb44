"""Which parts a call has: made of its card and of its agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from brain.agents.agent import Confirm, Recorded
from brain.call import parts
from brain.call.call import BrainCall
from brain.memory.past import Past
from brain.role import BrainRole
from brain.sequencer import Sequencer, inputs
from brain.sequencer.inherit import ItemLeft, Left
from brain.sound.kinds import Loop, Notice
from shared.contract.card import CallState, Next, TapeState
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
    next_language=None,
    cause=None,
    pending=None,
    pending_arg=None,
    pending_call=None,
    pending_leg=None,
    pending_said=None,
    playhead_item=None,
    playhead_ms=None,
    audible_response=None,
    context=None,
    usage=None,
    response_ms=None,
    tape=None,
    taped_from_ms=None,
    listen_until_ms=None,
)


ANNOUNCING = ItemLeft(
    item_id="notice-whole-1",
    response_id="notice-whole-1",
    received_bytes=8_000,
    heard_ms=400.0,
    complete=True,
)
"""Of an announcement the caller has heard the beginning."""


async def made(
    card: BrainView, epoch: int = 1, past: Past | None = None, caller_number: str = ""
) -> BrainCall:
    """A call of a process that has no Redis: what it writes waits."""
    process = make_process("brain", 0, load(env_file=None, openai_api_key="key"))
    role = BrainRole(process)
    call = BrainCall(process, role._services, sid(), epoch, card, past, caller_number=caller_number)
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


async def test_the_sequencer_knows_how_long_a_voice_may_be_taken_for_noise() -> None:
    """Of an agent that asks for a confirmation; with any other a voice cuts at once."""
    call = await made(CARD)
    patient = replace(
        call._parts.agent, interruption="confirm", confirm=Confirm(wait_ms=900, backchannels=("right",))
    )

    at_once = call._parts.sequencer.state.config
    config = parts._sequencer(patient, call._owner, CARD, 0).state.config

    assert at_once.confirm_ms == 0
    assert (config.confirm_ms, config.confirm_min_ms, config.transcribes) == (900, 250, True)
    assert config.backchannels == {("right",)}


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


async def test_who_answers_is_what_is_known_of_the_call() -> None:
    """A brain that takes over a call goes on with the agent as it was, and asks nobody."""
    known = '{"variables":{"name":"Ann"},"limits":{"hard_cap_s":90}}'
    call = await made(replace(CARD, claims=2, context=known))

    mine = call._parts
    assert not mine.casting.is_open
    assert mine.tools.context.variables == {"name": "Ann"}
    assert mine.watch.limits.values.hard_cap_s == 90
    assert mine.casting.written == '{"variables":{"name":"Ann"},"limits":{"hard_cap_s":90.0}}'


async def test_what_redis_has_lost_of_a_call_is_known_by_who_had_it() -> None:
    """The card was written again without it."""
    call = await made(replace(CARD, context='{"variables":{"name":"Ann"}}'))
    again = await made(replace(CARD, claims=2, restored_at_ms=5), past=call.past())

    assert again._parts.tools.context.variables == {"name": "Ann"}


async def test_where_nobody_is_asked_and_nothing_is_filled_in_nothing_is_waited_for() -> None:
    """The caller is greeted at once, and the card has nothing to say."""
    call = await made(CARD)

    assert not call._parts.casting.is_open
    assert call._parts.casting.written is None


async def test_a_provider_knows_a_caller_again_without_their_number() -> None:
    """By a hash that nobody can make who has not the key; of a number that is gone there is none: what the
    card has of it is a hundred callers'."""
    found = []
    for caller_number in ("+15550001111", ""):
        call = await made(CARD, caller_number=caller_number)
        casting = call._parts.casting
        casting.cast = replace(casting.cast, agent=replace(casting.cast.agent, safety_key="k"))

        headers = call._parts.sessions._make_engine(1, False)._opening.headers  # type: ignore[attr-defined]
        assert CARD.caller not in str(headers)
        assert "+15550001111" not in str(headers)
        found.append(headers.get("OpenAI-Safety-Identifier"))

    told, untold = found
    assert len(told) == 64
    assert untold is None


async def test_another_agent_is_everybodys() -> None:
    """Its tools, its limits, its words, the way in which turns are answered."""
    call = await made(CARD)
    mine = call._parts
    before = mine.casting.cast
    agent = replace(
        before.agent, name="night", answers_turns="brain", limits=replace(before.agent.limits, idle_prompts=7)
    )
    mine.casting.cast = replace(before, agent=agent)

    mine.casting.recast()

    assert (mine.agent.name, mine.watch.agent.name, mine.tools.context.agent) == ("night", "night", "night")
    assert mine.watch.limits.values.idle_prompts == 7
    assert mine.sequencer.state.config.create_response_by == "brain"


def waits_for(call: BrainCall, **sounds: Any) -> None:
    """The agent of a call gets these."""
    casting = call._parts.casting
    casting.cast = replace(casting.cast, agent=replace(casting.cast.agent, **sounds))


async def test_what_a_caller_hears_while_they_wait() -> None:
    """The tool's sound while one runs, music in a moment that they asked for; else nothing."""
    call = await made(CARD)
    typing = Loop(file="typing.wav", level_db=-20.0, audio=b"\x10" * 160)
    music = Loop(file="music.wav", level_db=-10.0, audio=b"\x20" * 160)
    waits_for(call, tool_sound=typing, hold_music=music)
    core = call._parts.sequencer
    assert call._parts.filling(0.0) is None

    core.handle(inputs.SessionConfirmed(), 0.0)
    core.handle(inputs.ResponseCreated(response_id="r"), 0.0)
    core.handle(inputs.ToolCalled(response_id="r", call_id="t", name="look_up", arguments="{}"), 0.0)
    assert call._parts.filling(0.0) is typing
    core.handle(inputs.ToolFinished(call_id="t", output="{}"), 0.0)
    assert call._parts.filling(0.0) is None

    call._parts.leaving.fill = typing  # It was heard: then it is, until the answer is.
    assert core.owed is not None
    assert call._parts.filling(0.0) is typing
    core.state.debts.waive_all()
    assert call._parts.filling(0.0) is None

    call._parts.watch.limits.hold(0.0, 60_000.0)
    assert call._parts.filling(59_999.0) is music
    assert call._parts.filling(60_000.0) is None


async def test_a_notice_is_found_by_its_id() -> None:
    """The one that `first_words` gave it."""
    call = await made(CARD)
    notices = tuple(Notice(file=name, text=name, audio=b"\x10" * 160) for name in ("a", "b"))
    waits_for(call, notices=notices)

    first, second, greeting = call._parts.first_words(None, was_greeted=False)

    assert isinstance(greeting, inputs.WishToSpeak)
    for given, notice in zip((first, second), notices, strict=True):
        assert isinstance(given, inputs.NoticeReady)
        assert call._parts.notice(given.item_id) is notice


async def test_an_announcement_that_was_cut_off_is_said_again_whoever_answers_by_then() -> None:
    """That of the agent who was to be recorded; and the other one's notices are no announcement."""
    call = await made(CARD)
    notice = Notice(file="n.wav", text="This call is recorded.", interruptible=False, audio=b"\x10" * 1_600)
    waits_for(call, recording=Recorded(record=True, announcement=notice))
    first, _ = call._parts.first_words(None, was_greeted=False)
    assert isinstance(first, inputs.NoticeReady)
    call._parts.recording.heard(first.item_id, heard_out=False)
    waits_for(call, recording=Recorded(), notices=(replace(notice, text="Calls cost."),))

    again = call._parts.watch.announce()

    assert isinstance(again, inputs.NoticeReady)
    assert call._parts.notice(again.item_id) is notice


async def test_an_announcement_that_another_brain_has_begun_is_heard_to_its_end() -> None:
    """It is in `reply`, and is not said again behind itself; one that is not there is."""
    for left, is_due in (
        (Left(items=(ANNOUNCING,), ended=frozenset({ANNOUNCING.item_id})), False),
        (Left(), True),
    ):
        call = await made(replace(CARD, claims=2, tape=TapeState.ANNOUNCING))
        notice = Notice(
            file="n.wav", text="This call is recorded.", interruptible=False, audio=b"\x10" * 8_000
        )
        waits_for(call, recording=Recorded(record=True, announcement=notice))
        call._parts.record.notice(ANNOUNCING.item_id, notice.text, notice.ms)
        call._parts.sequencer.inherit(left, 0.0)

        call._parts.first_words(None, was_greeted=True)

        assert (call._parts.watch.announce() is not None) is is_due
