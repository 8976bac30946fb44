"""What other processes and operators say: which part of a call is told, and what cannot be meant."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from brain.call import from_control as module
from brain.call.from_control import FromControl
from brain.call.from_model import Door
from brain.call.leaving import Leaving
from brain.call.lines import CallLog
from brain.call.watch import CallWatch
from brain.caller.away import Away
from brain.caller.feed import CallerFeed
from brain.counters import BrainCounters
from brain.sequencer import inputs
from brain.sequencer.actions import Move
from brain.tools.runs import ToolRuns
from shared.contract.card import BrainControl, BrainServed, Next
from shared.contract.command import Command
from shared.contract.streams.control import (
    Audible,
    Detached,
    Dialled,
    Dtmf,
    Ended,
    Flushed,
    InWriting,
    Letter,
    Listen,
    Message,
    Outranked,
    Stream,
)
from shared.contract.streams.journal import Kind
from shared.logs.log import get_log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.owner import Owner
from shared.store.client import Store, make_store
from shared.store.writing.outbox import Outbox
from tests.brain.stage import INGRESS, KEYS, line

CALL = "CA" + "0" * 32


@dataclass
class Call:
    """Every part of a call that may be told, and what it was told, in one list."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    keys_wait: bool = False

    def give(self, given: object) -> None:
        self.told.append(("core", given))

    def stream_opened(self, leg: int, ingress: str) -> None:
        self.told.append(("leaving", leg, ingress))

    def stream_closed(self) -> None:
        self.told.append(("leaving", "closed"))

    def moved(self, *what: str) -> None:
        self.told.append(("moved", *what))

    def pressed(self, digit: str, _now_ms: float) -> None:
        self.told.append(("keypad", digit))

    def caller_active(self) -> None:
        self.told.append(("tools", "caller"))

    def note(self, kind: Kind, **fields: str) -> None:
        self.told.append((kind, *fields.values()))

    def listened(self) -> None:
        self.told.append(("listened",))

    def ended(self) -> None:
        self.told.append(("ended",))

    def spawn(self, coroutine: Any, _name: str) -> None:
        coroutine.close()

    def send(self, command: Command, **_: object) -> None:
        pass


class Pen(Owner):
    """An owner that keeps what it writes on the card."""

    def card(self, *records: object, urgent: bool = False) -> None:
        cast(Call, self.outbox).told.extend(("card", record) for record in records)


def control(store: Store | None = None, call_sid: str = CALL) -> tuple[FromControl, Call]:
    call = Call()
    pen = Pen(cast(Outbox, call), KEYS, call_sid, "brain", 1, lambda _answer: None, "brain-0@h#1")
    made = FromControl(
        cast(Door, call), store or make_store("redis://127.0.0.1:1/0", name="t"), pen, cast(CallerFeed, call),
        Away(is_here=True), cast(Leaving, call), cast(CallWatch, call), cast(ToolRuns, call),
        call.listened, cast(CallLog, call), get_log(), BrainCounters(), OwnershipCounters(), call.ended,
        call.spawn, "0",
    )  # fmt: skip
    return made, call


def letter(message: Message | None, *, kind: str = "", refusal: str = "") -> Letter:
    return Letter(
        entry_id="1-0",
        kind=kind,
        sender="egress-0@h#1",
        number="1",
        epoch=1,
        message=message,
        refusal=refusal,
    )


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (Ended(outcome="completed"), [("ended",)]),
        (Listen(), [("listened",)]),
        (Dtmf(digit="4", leg=1), [("tools", "caller"), ("keypad", "4")]),
        (
            InWriting(text="x"),
            # The tools and the watch.
            [
                ("tools", "caller"),
                ("tools", "caller"),
                ("core", inputs.CallerWrote(text="x", barge_in=True)),
            ],
        ),
        (
            Audible(cut=1, response_id="r", item_id="i", heard_ms=0, frames_waiting=0),
            [("core", inputs.Audible(cut=1, response_id="r", item_id="i"))],
        ),
        (
            Stream(leg=2, stream_sid="MZ", ingress=INGRESS, rescued=False),
            [("leaving", 2, INGRESS), ("moved", INGRESS), (Kind.LEG, "2")],
        ),
    ],
    ids=lambda value: value.KIND if not isinstance(value, list) else "",
)
async def test_a_message_reaches_those_whom_it_concerns(
    message: Message, told: list[tuple[object, ...]]
) -> None:
    """In this order, and nobody else."""
    made, call = control()

    made.on_letter(letter(message))

    assert call.told == told
    assert (made.counters.control_messages, made.counters.control_ignored) == (1, 0)


async def test_a_caller_who_is_back_from_a_number_is_told_of(store: Store) -> None:
    """The journal says how it went, the tool has its result, the model goes on."""
    made, call = control()
    made.away.sent(Move(kind=Next.DIAL, argument="+15550001111", call_id="call_1"))
    for message in (
        Detached(leg=1, cause="stop"),
        Dialled(status="busy"),
        Stream(leg=2, stream_sid="MZ", ingress=INGRESS, rescued=False),
    ):
        made.on_letter(letter(message))

    output = '{"status":"not_connected","reason":"busy"}'
    assert call.told[0] == ("leaving", "closed")
    assert call.told[4:] == [
        (Kind.MOVE_ENDED, "dial", "busy"),
        ("moved", "call_1", output),
        ("core", inputs.MoveEnded(output=output)),
    ]


async def test_a_slip_of_an_operators_is_answered_in_the_journal() -> None:
    """Where they will look."""
    made, call = control()

    made.on_letter(letter(None, kind="hang up", refusal="expected one of say, hangup as the kind"))

    assert call.told == [(Kind.REFUSED, "hang up", "expected one of say, hangup as the kind")]
    assert made.counters.control_ignored == 1


async def test_what_only_a_newer_version_knows_is_no_slip() -> None:
    """Counted, and nobody is told off for it."""
    made, call = control()

    made.on_letter(letter(None, kind="novelty"))

    assert (call.told, made.counters.control_ignored) == ([], 1)


async def test_a_report_that_cannot_be_read_is_counted_and_goes_nowhere() -> None:
    """The wait for it ends by itself, with what is known."""
    made, call = control()

    made.on_letter(letter(Flushed(cut=1, items="[1]")))

    assert (call.told, made.ownership.contract_errors) == ([], 1)


async def test_the_place_is_saved_when_it_moved_and_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fenced write is how a quiet call whose card is gone is let go of."""
    monkeypatch.setattr(module, "SAVE_EVERY_SWEEPS", 3)
    made, call = control()
    made.reader.position = "5-0"
    for _ in range(6):
        made.upkeep(sweep=True)

    places = [told for told in call.told if told != ("card", BrainServed(brain_attempts=0))]
    assert places == [("card", BrainControl(control_pos_brain="5-0"))] * 3
    assert len(call.told) == 4  # Once: it is served, and not the call that ends its owners.


async def test_the_place_stays_before_keys_that_wait() -> None:
    """A next brain reads them again: the model was not told them yet. Once it is, the place is saved at
    once."""
    made, call = control()
    made.reader.position = "4-0"
    made.upkeep(sweep=True)
    call.told.clear()

    call.keys_wait = True
    made.on_letter(letter(Dtmf(digit="4", leg=1)))
    made.reader.position = "5-0"
    made.upkeep(sweep=True)
    made.save()
    assert set(call.told) == {
        ("tools", "caller"),
        ("keypad", "4"),
        ("card", BrainControl(control_pos_brain="4-0")),
    }

    call.keys_wait = False
    made.upkeep(sweep=False)
    assert call.told[-1] == ("card", BrainControl(control_pos_brain="5-0"))


async def test_an_outranked_brain_claims_again() -> None:
    """Above what ingress has seen; a word for another brain, or of what it has by now, is none for it."""
    made, _ = control()
    again: list[int] = []
    made.owner.claim_again = again.append
    for worker, highest in (("brain-0@h#1", 7), ("brain-1@h#1", 8), ("brain-0@h#1", 1)):
        made.on_letter(letter(Outranked(worker=worker, highest=highest)))

    assert again == [7]


async def test_the_card_says_where_playing_stood(store: Store, redis_url: str) -> None:
    """Nothing where nobody played; counted where it cannot be read."""
    async with line(store, redis_url) as here:
        made, call = control(store, here.call_sid)
        await made.ask_playhead(0)
        assert call.told == []

        await store.hset(KEYS.card(here.call_sid), mapping={"playhead_item": "i", "playhead_ms": "420"})
        await made.ask_playhead(0)
        await store.hset(KEYS.card(here.call_sid), "playhead_ms", "soon")
        await made.ask_playhead(0)

        assert call.told == [("core", inputs.Heard(cut=0, response_id="", item_id="i", heard_ms=420))]
        assert made.ownership.contract_errors == 1
        await here.end()


async def test_without_redis_nobody_says_where_playing_stood() -> None:
    """The flush's own report is waited for, as always."""
    made, call = control()

    async with asyncio.timeout(5):
        await made.ask_playhead(0)

    assert (call.told, made.ownership.contract_errors) == ([], 0)
