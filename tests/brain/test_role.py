"""The brain on a real server, against the Realtime simulator: whole conversations."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from brain.call import from_control
from brain.model.engine import Said, SaidKind
from brain.role import BrainRole
from brain.sequencer import Sequencer
from brain.sound.files import SoundFiles
from shared.clock import wall_ms
from shared.contract import writes
from shared.contract.card import CallState, Next
from shared.contract.steps import Held, Restored, restore
from shared.contract.streams.caller import read_turn
from shared.contract.streams.control import Outranked
from shared.contract.streams.doorbell import Why
from shared.contract.streams.history import ItemEntry, ItemHeard, ToolEntry, ToolState
from shared.contract.streams.hooks import Event, read_hook
from shared.contract.streams.journal import Kind
from shared.contract.streams.reply import ReplyKind
from shared.contract.writes import Speaker
from shared.ownership import steps
from shared.ownership.liveness import How
from shared.ownership.owner import Owner
from shared.process.beat import keep_own_keys
from shared.store.client import Store, StreamEntry
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from tests.brain.agents.sounds import write_tone
from tests.brain.stage import EGRESS, KEYS, Line, brain, clip, line, serving, write_script
from tests.conftest import keys_without_ttl
from tests.support.waiting import wait_until

OTHER = "brain-9@h#9"
QUICK = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=50, stragglers=2))


def done(here: Line, responses: int) -> bool:
    return here.kinds().count(ReplyKind.RESPONSE_END) >= responses


def assert_same(found: bytes, expected: bytes) -> None:
    """Equal audio; says where it differs, without a diff of tens of kilobytes."""
    at = next((n for n, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), -1)
    is_same = found == expected
    assert is_same, f"{len(found)} bytes of {len(expected)}, first difference at {at}"


def gone(role: BrainRole) -> bool:
    return role.live_calls() == 0


async def test_a_call_is_greeted_and_left_clean(store: Store, redis_url: str) -> None:
    """The greeting arrives whole, once, after the gate; at the end nothing is left."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")

        (item_id,) = here.items()
        assert_same(here.audio_of(item_id), clip("en_model_greeting"))
        assert here.kinds()[-2:] == [ReplyKind.ITEM_END, ReplyKind.RESPONSE_END]
        (session,) = sim.sessions
        assert len(session.received_of("response.create")) == 1
        assert session.violations == []
        await wait_until(lambda: _kind(here, Kind.SILENT), "the journal says it was heard")
        kinds = [entry.kind for entry in await here.journal()]
        assert kinds.index(Kind.SESSION_READY) < kinds.index(Kind.RESPONSE_CREATED)
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")
        await sim.wait_for(lambda: session.closed_at_ms is not None)
        names = {task.get_name() for task in process.tasks}
        assert not [name for name in names if name.startswith("CA")]
    assert keys_without_ttl(redis_url) == []


async def _kind(here: Line, kind: Kind) -> bool:
    return any(entry.kind == kind for entry in await here.journal())


async def test_a_recording_is_said_word_for_word_before_the_greeting(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """To the byte, in transcript and history as heard; the model is told of it before it greets."""
    write_tone(tmp_path / "notice.wav")
    path = tmp_path / "agents.toml"
    path.write_text(
        "[[default.notices]]\nfile = 'notice.wav'\ntext = 'This call is recorded.'\ninterruptible = false\n"
    )
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, agents_file=str(path)) as (_, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 2), "notice and greeting are in reply")

        notice, greeting = here.items()
        assert notice == "notice-whole-1"
        assert_same(here.audio_of(notice), SoundFiles(tmp_path).notice("notice.wav"))
        assert_same(here.audio_of(greeting), clip("en_model_greeting"))
        (session,) = sim.sessions
        (told,) = session.received_of("conversation.item.create")
        assert cast(dict[str, Any], told["item"])["role"] == "system"
        assert session.violations == []
        await wait_until(lambda: _kind(here, Kind.SILENT), "the journal says it was heard")
        items = [entry for entry in await here.history() if isinstance(entry, ItemEntry)]
        assert (items[0].item_id, items[0].text, items[0].final) == (notice, "This call is recorded.", True)
        assert await _kind(here, Kind.NOTICE)
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")


async def test_a_call_that_redis_had_lost_goes_on_with_its_memory(store: Store, redis_url: str) -> None:
    """The same brain is rung and remembers what was said: the caller is greeted once, and answered."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")
        await wait_until(lambda: _kind(here, Kind.SILENT), "the journal says it was heard")
        before = [entry for entry in await here.history() if isinstance(entry, ItemEntry)]
        epoch = role._calls[here.call_sid].epoch
        await store.redis.flushall()
        await keep_own_keys(process, role.own_streams)
        restored = Restored(
            stream=here.stream(), leg=1, brain=Held(process.name, epoch, 1), egress=Held(EGRESS, 1, 1), cut=0,
            last_frame=100, started_at_ms=wall_ms(), resumes=0,
        )  # fmt: skip
        await steps.run(store, restore(KEYS, restored, wall_ms=wall_ms()))
        await wait_until(lambda: len(sim.sessions) == 2, "it has another session")
        assert here.owner is not None
        here.owner = Owner(here.outbox, KEYS, here.call_sid, "egress", 1, lambda _answer: None, EGRESS)
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: done(here, 2), "the turn is answered")

        first, second = sim.sessions
        assert len(first.received_of("response.create")) == 1
        assert second.received_of("response.create") == []
        (seeded,) = second.received_of("conversation.item.create")
        assert seeded["item"]["role"] == "assistant"
        again = [entry for entry in await here.history() if isinstance(entry, ItemEntry)]
        assert again[0] == before[-1]
        assert role.live_calls() == 1
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")
    assert keys_without_ttl(redis_url) == []


@pytest.mark.parametrize("how", ["redis", "ingress"])
async def test_a_brain_whose_claim_was_lost_claims_again(store: Store, redis_url: str, how: str) -> None:
    """A failover has forgotten it, or ingress has seen a higher epoch: it is still the owner, under a higher
    one, and goes on with what was said."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")
        before = higher = role._calls[here.call_sid].epoch
        if how == "redis":
            older = {"brain": OTHER, "brain_epoch": str(before - 50)}
            await store.hset(KEYS.card(here.call_sid), mapping=older)
        else:
            higher = before + 1000
            word = Outranked(worker=process.name, highest=higher)
            letter = writes.append_control(
                KEYS, Speaker(here.call_sid), word, sender="ingress-0@h#1", number="o1", wake="brain"
            )
            await steps.run(store, letter)

        await wait_until(lambda: role._calls[here.call_sid].epoch > higher, "it has claimed again")
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: done(here, 2), "the turn is answered")

        assert role.live_calls() == 1
        (session,) = sim.sessions  # It goes on in place, with the session that it has.
        assert len(session.received_of("response.create")) == 1  # No second greeting.
        assert role.counters.fenced == 0
        said = [e for e in await here.history() if isinstance(e, ItemEntry) and e.is_callers]
        assert said  # What was refused meanwhile is written all the same.
        await here.end()


async def test_a_call_whose_brain_is_dead_is_taken(store: Store, redis_url: str) -> None:
    """As soon as its death is known: the dead one is disowned, and whoever has room claims."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (process, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")
        await store.hset(KEYS.card(here.call_sid), "brain", OTHER)
        await store.redis.smove(KEYS.owned(0, process.name), KEYS.owned(0, OTHER), here.call_sid)
        await wait_until(lambda: gone(role), "its first owner finds out that it is another's")

        await process.neighbours.on_dead(OTHER, How.SILENT)

        await wait_until(lambda: role.live_calls() == 1, "the call has a brain")
        assert (await here.card())["brain"] == process.name
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")


async def test_a_turn_is_answered_and_forgotten(store: Store, redis_url: str) -> None:
    """Caller audio reaches the model in order and leaves its stream; the turn is kept until it is
    answered."""
    async with (
        RealtimeSimulator(knobs=QUICK, keep_audio=True) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        asked = clip("en_caller_ask")
        await here.speak(asked)
        await wait_until(lambda: done(here, 1), "the turn is answered")

        (session,) = sim.sessions
        assert_same(bytes(session.appended_audio)[: len(asked)], asked)
        assert_same(here.audio_of(here.items()[0]), clip("en_model_long"))
        assert session.received_of("response.create") == []
        await wait_until(lambda: _is_forgotten(here, asked), "the turn has left both streams")
        said = [entry.role for entry in await here.history() if isinstance(entry, ItemEntry)]
        assert set(said) == {"user", "assistant"}
        assert role.counters.caller_gaps == 0
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")
    assert keys_without_ttl(redis_url) == []


async def _is_forgotten(here: Line, asked: bytes) -> bool:
    turn = b"".join([read_turn(fields) for _, fields in await here.store.xrange(KEYS.turn(here.call_sid))])
    return await here.store.xlen(KEYS.caller(here.call_sid)) == 0 and asked[: len(asked) // 2] not in turn


async def test_the_brain_answers_turns_when_told_so(store: Store, redis_url: str) -> None:
    """create_response off: one create a turn, ours."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="", answers_turns="brain"),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: done(here, 1), "the turn is answered")

        (session,) = sim.sessions
        assert len(session.received_of("response.create")) == 1
        assert session.errors == []


async def test_an_interruption_is_flushed_and_truncated_at_the_ear(store: Store, redis_url: str) -> None:
    """Flush in reply, nothing of the old response after it, the model's memory cut at what was heard."""
    slow = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=3, stragglers=3))
    async with (
        RealtimeSimulator(knobs=slow) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        here.hold_at_ms = 640
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: ReplyKind.AUDIO in here.kinds(), "the long answer begins")
        interrupted = here.reply[0].response_id
        await here.speak(clip("en_caller_interrupt"))
        await wait_until(lambda: ReplyKind.FLUSH in here.kinds(), "it is flushed")
        (session,) = sim.sessions
        await sim.wait_for(lambda: bool(session.truncations))

        (truncation,) = session.truncations
        assert (truncation.audio_end_ms, truncation.error) == (640, "")
        await wait_until(lambda: _kind(here, Kind.AUDIO_DELTA_SKIP), "late audio is counted in one line")
        skips = [line.fields for line in await here.journal() if line.kind == Kind.AUDIO_DELTA_SKIP]
        assert [(skip["response"], int(skip["count"]) > 0) for skip in skips] == [(interrupted, True)]
        at = here.kinds().index(ReplyKind.FLUSH)
        assert here.reply[at].cut == 1
        assert all(entry.response_id != interrupted for entry in here.reply[at + 1 :])
        assert (await _heard(here, truncation.item_id)).ms == 640
        await here.card_says("cut", "1")
        assert role.counters.errors_unknown == 0


async def test_without_egress_an_interruption_is_truncated_where_the_card_says(
    store: Store, redis_url: str
) -> None:
    """Egress dies in mid-word: its last figure counts, and not that nothing was heard."""
    slow = Knobs(response=ResponseKnobs(first_audio_ms=20, speed_factor=3, stragglers=3))
    async with (
        RealtimeSimulator(knobs=slow) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        here.hold_at_ms, here.is_mute = 640, True
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: ReplyKind.AUDIO in here.kinds(), "the long answer begins")
        item_id = here.reply[0].item_id
        playhead = {"playhead_item": item_id, "playhead_ms": "420"}
        await store.hset(KEYS.card(here.call_sid), mapping=playhead)
        await here.speak(clip("en_caller_interrupt"))
        (session,) = sim.sessions
        await sim.wait_for(lambda: bool(session.truncations))

        (truncation,) = session.truncations
        assert (truncation.item_id, truncation.audio_end_ms, truncation.error) == (item_id, 420, "")


async def _heard(here: Line, item_id: str) -> ItemHeard:
    async def found() -> list[ItemHeard]:
        entries = await here.history()
        return [each for each in entries if isinstance(each, ItemHeard) and each.item_id == item_id]

    async def is_there() -> bool:
        return bool(await found())

    await wait_until(is_there, "what was heard stands in history")
    return (await found())[0]


async def test_a_tool_is_run_and_answered_by_one_create(store: Store, redis_url: str, tmp_path: Path) -> None:
    """Two parallel calls, one answer."""
    orders = [("check_order", f'{{ order_number = "{number}" }}') for number in (4217, 12)]
    script = write_script(tmp_path, *orders)
    async with (
        RealtimeSimulator(script=script, knobs=QUICK) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_number"))
        await wait_until(lambda: done(here, 1), "the tools are answered")

        (session,) = sim.sessions
        assert_same(here.audio_of(here.items()[0]), clip("en_model_order"))
        assert len(session.received_of("response.create")) == 1
        assert len(session.received_of("conversation.item.create")) == 2
        states = [entry.state for entry in await here.history() if isinstance(entry, ToolEntry)]
        assert sorted(states) == [ToolState.RESULT] * 2 + [ToolState.STARTED] * 2


async def test_a_tool_runs_to_its_limit_after_the_call_and_a_drain_waits_for_it(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The caller asks for something and hangs up: it is not cut off in mid-request."""
    script = write_script(tmp_path, ("book_it", "{}"))
    agents = tmp_path / "agents.toml"
    agents.write_text(
        """
[default]
tools = ["book_it"]
[tools.book_it]
python = "tests.brain.unfit_tools:endless"
timeout_s = 2.0
"""
    )
    async with (
        RealtimeSimulator(script=script, knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="", agents_file=str(agents)) as (_, role),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_number"))
        await wait_until(lambda: _started(here), "the tool runs")
        await here.end()
        await wait_until(lambda: gone(role), "the call is left")
        assert role.counters.tools_run == 0
        await asyncio.wait_for(role.drain(), 10)

        assert (role.counters.tools_run, role.counters.tools_failed) == (1, 1)


async def _started(here: Line) -> bool:
    return any(isinstance(entry, ToolEntry) for entry in await here.history())


async def test_the_agent_hangs_up_after_its_farewell(store: Store, redis_url: str, tmp_path: Path) -> None:
    """end_call: the farewell is created, heard, then the card says hangup and ingress is told."""
    script = write_script(
        tmp_path,
        ("end_call", '{ farewell = "Goodbye!" }'),
        heard="en_caller_goodbye",
        after="en_model_goodbye",
        other="en_model_goodbye",
    )
    async with (
        RealtimeSimulator(script=script, knobs=QUICK) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_goodbye"))
        await here.card_says("next", "hangup")

        assert done(here, 1), "the farewell was heard first"
        assert_same(here.audio_of(here.items()[0]), clip("en_model_goodbye"))
        await wait_until(lambda: _closed(here), "ingress is told to close")
        (session,) = sim.sessions
        await sim.wait_for(lambda: session.closed_at_ms is not None)


async def _closed(here: Line) -> bool:
    return bool(await here.closes())


async def test_an_operator_speaks_and_hangs_up(store: Store, redis_url: str) -> None:
    """Both typed by hand, without a ring."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting=""),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: bool(sim.sessions), "the session is open")
        await here.type("say", text="שלום")
        await wait_until(lambda: done(here, 1), "it was said")
        (create,) = sim.sessions[0].received_of("response.create")
        assert "שלום" in str(create["response"])

        await here.type("hangup", reason="operator")
        await here.card_says("next", "hangup")
        assert await here.closes() == {(1, "operator")}


@pytest.mark.parametrize(
    "knobs",
    [
        Knobs(connect_status=401),
        Knobs(account_error="insufficient_quota"),
        Knobs(account_error="insufficient_quota", account_error_at="response"),
        Knobs(refuse_updates=9),
        Knobs(close_on="response.created", close_code=1011),
        Knobs(close_on="response.created", close_code=1001),
        Knobs(close_on="response.created", close_code=1006),
    ],
    ids=["key", "quota", "quota_later", "update_refused", "lost", "expired", "cut"],
)
async def test_no_session_is_never_dead_air(store: Store, redis_url: str, knobs: Knobs) -> None:
    """Twilio's voice apologises, with a line in the journal; nobody waits in silence."""
    async with (
        RealtimeSimulator(knobs=knobs) as sim,
        brain(redis_url, sim, apology="So sorry.") as (_, role),
        line(store, redis_url) as here,
    ):
        await here.card_says("next", "apology")

        assert (await here.card())["next_arg"] == "So sorry."
        assert len(await here.closes()) == 1
        assert await _kind(here, Kind.ERROR)
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")


async def test_a_session_whose_update_is_not_answered_is_not_waited_for(store: Store, redis_url: str) -> None:
    """Another one is opened beside it: the greeting comes from that, within seconds."""
    knobs = Knobs(response=QUICK.response, updated_delay_ms=60_000.0)
    async with (
        RealtimeSimulator(knobs_for=lambda number: knobs if number == 1 else QUICK) as sim,
        brain(redis_url, sim) as (_, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")

        assert (role.counters.sessions_beside, role.counters.sessions_failed) == (1, 0)
        await sim.wait_for(lambda: sim.sessions[0].closed_at_ms is not None)


@pytest.mark.parametrize("opening_ms", [400.0, 1_500.0])
async def test_a_slow_opening_is_no_fault(store: Store, redis_url: str, opening_ms: float) -> None:
    """One session, one greeting; nothing is opened beside it."""
    knobs = Knobs(response=QUICK.response, updated_delay_ms=opening_ms)
    async with (
        RealtimeSimulator(knobs=knobs) as sim,
        brain(redis_url, sim) as (_, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")

        assert len(sim.sessions) == 1
        assert role.counters.sessions_beside == 0


async def test_a_connection_is_tried_again(store: Store, redis_url: str) -> None:
    """Two refusals that may pass, then a session."""

    def knobs_for(number: int) -> Knobs:
        return Knobs(connect_status=503) if number <= 2 else QUICK

    async with (
        RealtimeSimulator(knobs_for=knobs_for) as sim,
        brain(redis_url, sim) as (_, role),
        line(store, redis_url) as here,
    ):
        await wait_until(lambda: done(here, 1), "the greeting is in reply")

        assert role.counters.sessions_failed == 2


async def test_a_stopping_process_releases_without_a_word(store: Store, redis_url: str) -> None:
    """What is left at the end of the drain is for whoever comes first: nobody is told goodbye."""
    async with RealtimeSimulator(knobs=QUICK) as sim, line(store, redis_url) as here:
        async with brain(redis_url, sim):
            await wait_until(lambda: done(here, 1), "the call is live")

        card = await here.card()
        assert (card["next"], card["brain"]) == ("", "")


async def test_the_callers_last_words_are_written_down_after_the_end(store: Store, redis_url: str) -> None:
    """Their transcript comes a second after they hung up: the call is left when it is there, and no later."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        call = await serving(role)
        call._parts.record.said(Said(SaidKind.USER_ITEM, "u9", ""))
        await wait_until(here.history, "the turn is in history")
        await here.end()
        call.ring()
        await wait_until(lambda: call._has_ended, "the end is known")
        assert role.live_calls() == 1
        told = sim.sessions[0].received_of
        await wait_until(lambda: "over-silence" in str(told("session.update")), "the model is hushed")
        call._parts.record.said(Said(SaidKind.USER_TEXT, "u9", "bye"))
        await wait_until(lambda: gone(role), "the call is left")

        assert ItemEntry(item_id="u9", role="user", text="bye", final=True) in await here.history()


async def test_last_words_that_do_not_come_hold_nobody(store: Store, redis_url: str) -> None:
    """A model that never writes them down: the call is left all the same."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        call = await serving(role)
        call._parts.record.said(Said(SaidKind.USER_ITEM, "u9", ""))
        await here.end()
        await wait_until(lambda: gone(role), "the call is left")


async def test_a_called_number_of_no_agent_leaves_a_line(
    store: Store, redis_url: str, tmp_path: Path
) -> None:
    """The default agent answers, and whoever wonders why finds it in the journal."""
    path = tmp_path / "agents.toml"
    path.write_text("[agents.sales]\nnumbers = ['+15550002222']", "utf-8")
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="", agents_file=str(path)),
        line(store, redis_url, agent="") as here,
    ):
        await wait_until(lambda: _kind(here, Kind.NUMBER_UNKNOWN), "the journal says so")


async def test_what_twilios_voice_says_is_told_at_start(store: Store, redis_url: str) -> None:
    """Before the first call: ingress may need it when no brain is there."""
    async with RealtimeSimulator(knobs=QUICK) as sim, brain(redis_url, sim, apology="Sorry."):

        async def told() -> bool:
            book = await steps.read_speech_book(store)
            return book is not None and book.agents["default"].apology == "Sorry."

        await wait_until(told, "the book is there")
    assert keys_without_ttl(redis_url) == []


async def test_two_calls_do_not_hear_each_other(store: Store, redis_url: str) -> None:
    """Each has its own session and its own reply."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim) as (_, role),
        line(store, redis_url, 1) as one,
        line(store, redis_url, 2) as two,
    ):
        await wait_until(lambda: done(one, 1) and done(two, 1), "both are greeted")

        assert role.live_calls() == 2
        assert one.items() != two.items()
        await one.end()
        await wait_until(lambda: role.live_calls() == 1, "one is gone")
        await two.type("say", text="still there")
        await wait_until(lambda: done(two, 2), "the other goes on")


async def test_a_call_on_its_way_out_is_closed_on_a_new_leg_too(store: Store, redis_url: str) -> None:
    """A stream that comes while we hang up has emptied the plan on the card: it is not left in silence."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        await serving(role)
        await here.type("hangup")
        await here.card_says("next", "hangup")

        await here.attach()
        assert (await here.card())["next"] == ""

        await here.card_says("next", "hangup")
        assert await here.closes() == {(1, "operator"), (2, "operator")}
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")


class CarelessStore(Store):
    """A store that loses a cancellation, as redis-py now and then does."""

    is_reading = False

    async def xrange(self, *_: Any, **__: Any) -> list[StreamEntry]:
        self.is_reading = True
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_reading = False
        return []


@dataclass
class BrokenSequencer:
    """A sequencer with a bug that every input meets."""

    whole: Sequencer

    def handle(self, *_: object) -> None:
        raise RuntimeError("a bug")

    def __getattr__(self, name: str) -> object:
        return getattr(self.whole, name)


async def test_a_bug_in_one_call_gives_it_to_the_next_owner(store: Store, redis_url: str) -> None:
    """Also when the control reader loses its cancellation: the call is left, and taken again; the process
    lives on."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="") as (process, role),
        line(store, redis_url) as here,
    ):
        call = await serving(role)
        careless = CarelessStore(store.redis)
        call._parts.control.reader.store = careless
        call.ring()
        await wait_until(lambda: careless.is_reading, "the control reader waits for Redis")
        broken = cast(Sequencer, BrokenSequencer(call._parts.sequencer))
        call._parts = replace(call._parts, sequencer=broken)

        speaking = asyncio.create_task(here.speak(clip("en_caller_ask")))
        await wait_until(lambda: role.counters.calls_failed == 1, "the bug is met")
        await wait_until(lambda: role._calls.get(here.call_sid) not in (None, call), "it is served again")
        assert (await here.card())["brain_attempts"] == "2"
        assert not (await here.card()).get("next")

        assert process.fatal is None
        await speaking


async def test_a_quiet_call_whose_card_is_gone_is_left(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis came back empty and nothing rings: the session is not kept open for an hour."""
    monkeypatch.setattr(from_control, "SAVE_EVERY_SWEEPS", 1)
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="") as (_, role),
        line(store, redis_url) as here,
    ):
        await serving(role)

        await store.delete(KEYS.card(here.call_sid), KEYS.control(here.call_sid))

        await wait_until(lambda: gone(role), "the call is left")


async def test_a_call_whose_card_cannot_be_read_hears_an_apology(store: Store, redis_url: str) -> None:
    """Never a silent drop: counted, and ended with the words on the card, so that Twilio says them."""
    async with RealtimeSimulator(knobs=QUICK) as sim, line(store, redis_url) as here:
        await store.hset(KEYS.card(here.call_sid), "started_at_ms", "yesterday")
        async with brain(redis_url, sim, apology="So sorry.") as (process, role):
            await here.card_says("state", CallState.ENDED)

            card = await here.card()
            assert (card["next"], card["next_arg"]) == (Next.APOLOGY, "So sorry.")
            assert (process.ownership.contract_errors, role.counters.given_up) == (1, 1)
            assert (role.live_calls(), sim.sessions) == (0, [])


async def test_a_ring_that_cannot_be_read_is_counted_and_stops_nobody(store: Store, redis_url: str) -> None:
    """The next one is heard."""
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="") as (process, _),
        line(store, redis_url) as here,
    ):
        await store.xadd(KEYS.wake(0, process.name), {"v": "1", "call": here.call_sid})
        await wait_until(lambda: process.ownership.contract_errors == 1, "the ring is counted")
        process.ring(0, process.name, "", Why.DRAIN)
        await wait_until(lambda: process.draining, "the next ring is heard")
        await here.end()


async def test_a_turn_is_told_while_its_call_goes_on(store: Store, redis_url: str) -> None:
    """To whoever asks for it: the caller's item and the agent's, once both are over."""
    settings = {
        "webhook_url": "http://127.0.0.1:9/hooks", "webhook_secret": "s", "webhook_events": "turn.ended",
    }  # fmt: skip
    async with (
        RealtimeSimulator(knobs=QUICK) as sim,
        brain(redis_url, sim, greeting="", **settings) as (_, role),
        line(store, redis_url) as here,
    ):
        await here.speak(clip("en_caller_ask"))
        await wait_until(lambda: done(here, 1), "the turn is answered")
        await here.end()
        await wait_until(lambda: gone(role), "the call is forgotten")
        turns: list[dict[str, object]] = []

        async def is_told() -> bool:
            entries = await store.xrange(KEYS.hooks(KEYS.lane(here.call_sid)))
            told = [read_hook(fields) for _, fields in entries]
            turns[:] = [json.loads(hook.details)["turn"] for hook in told if hook.event == Event.TURN_ENDED]
            return bool(turns)

        await wait_until(is_told, "the turn is told")
        said = [entry for entry in await here.history() if isinstance(entry, ItemEntry)]
        assert turns[0]["caller_items"] == [next(entry.item_id for entry in said if entry.is_callers)]
    assert keys_without_ttl(redis_url) == []
