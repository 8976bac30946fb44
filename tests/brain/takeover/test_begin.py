"""The beginning of a call that another brain had: what was left is read, and taken up in one order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from brain.caller.away import Away
from brain.caller.feed import CallerFeed
from brain.memory import recall
from brain.memory.conversation import Conversation
from brain.memory.history import History
from brain.memory.record import Record
from brain.sequencer import Sequencer, SequencerConfig, inputs
from brain.sequencer.actions import Action, Move
from brain.sequencer.inherit import ItemLeft, Left, MoveLeft
from brain.takeover import begin as module
from brain.takeover.begin import INTERRUPTED, REST_OF_GOODBYE, Beginning
from brain.takeover.inherited import Inherited
from brain.tools.runs import GOODBYE, ToolRuns
from shared.clock import wall_ms
from shared.contract.card import Next, Plan
from shared.contract.streams.history import (
    HistoryEntry,
    ItemEntry,
    ItemHeard,
    ItemLength,
    QuietUntil,
    ToolEntry,
    ToolState,
    history_fields,
)
from shared.contract.streams.reply import reply_fields
from shared.contract.views import BrainView
from shared.logs.log import get_log
from shared.ownership.counters import OwnershipCounters
from shared.ownership.owner import Owner
from shared.store.client import Store, make_store
from tests.brain.stage import KEYS, sid
from tests.brain.takeover.test_inherited import CARD, audio

CALL = sid()
SPOKEN = ItemEntry(item_id="i1", role="assistant", text="Hello there, this is", final=False)


@dataclass
class Parts:
    """Every part that the beginning tells, and what it was told, in one list."""

    told: list[tuple[object, ...]] = field(default_factory=list)
    written: list[HistoryEntry] = field(default_factory=list)

    def history(self, entry: HistoryEntry, *, then: Callable[[], None] | None = None) -> None:
        self.written.append(entry)
        self.told.append(("history", type(entry).__name__))

    def inherit(self, *what: object, **named: object) -> None:
        self.told.append(("inherit", *what, *named.values()))

    def moved(self, call_id: str, output: str) -> None:
        self.told.append(("moved", call_id, output))

    def hold(self, _now_ms: float, for_ms: float) -> float:
        self.told.append(("hold", for_ms))
        return for_ms

    def step(self, actions: Sequence[Action], _now: float) -> None:
        self.told.append(("step", *[type(action).__name__ for action in actions]))


def beginning(
    *entries: HistoryEntry, card: BrainView = CARD, store: Store | None = None
) -> tuple[Beginning, Parts]:
    parts = Parts()
    record = Record(History(cast(Owner, parts)), Conversation.of(entries))
    made = Beginning(
        card, store or make_store("redis://127.0.0.1:1/0", name="t"), KEYS, CALL, OwnershipCounters(),
        get_log(), record, Sequencer(SequencerConfig()), cast(CallerFeed, parts), Away(is_here=True), parts,
        cast(ToolRuns, parts),
    )  # fmt: skip
    return made, parts


def test_what_was_said_is_known_before_the_sequencer_hears_of_it_and_tools_after_it() -> None:
    """Lengths and what was heard first; the caller's voice; the state; then results for what was
    interrupted, behind the end of what was being said."""
    made, parts = beginning(SPOKEN)
    made.record.conversation.revive()
    item = ItemLeft(item_id="i1", response_id="r1", received_bytes=4_800, heard_ms=0.0, complete=False)
    found = Inherited(
        left=Left(items=(item,)),
        received={"i1": 600},
        heard_out={"i0": 300},
        replayed=("u1",),
        interrupted={"t1": "look_up"},
    )

    made.take_up(found, parts.step)

    assert [what for what, *_ in parts.told] == [
        "history",
        "history",
        "inherit",
        "step",
        "history",
        "history",
    ]
    assert parts.told[2] == ("inherit", ("u1",))
    assert "EndItem" in parts.told[3]
    length, heard, cut_off, result = parts.written
    assert length == ItemLength(item_id="i1", ms=600)
    assert heard == ItemHeard(item_id="i0", ms=300, of_ms=300, complete=True)
    assert isinstance(cut_off, ItemEntry)
    assert (cut_off.item_id, cut_off.final) == ("i1", True)
    assert result == ToolEntry(call_id="t1", name="look_up", state=ToolState.RESULT, value=INTERRUPTED)
    assert made.sequencer.state.items["i1"].complete


@pytest.mark.parametrize("gone", [False, True])
def test_a_move_that_was_wished_is_not_asked_for_again(gone: bool) -> None:
    """Its tool waits for what becomes of it; who was sent away already is known to be away."""
    made, parts = beginning()
    move = MoveLeft(kind=Next.DIAL, argument="+15550001", call_id="t1", tool="transfer_call", gone=gone)

    made.take_up(Inherited(left=Left(move=move)), parts.step)

    assert ("inherit", "t1", "transfer_call") in parts.told
    assert (made.away.returned() is not None) == gone
    (step,) = [told for told in parts.told if told[0] == "step"]
    assert "Move" not in step


@pytest.mark.parametrize("is_way_out", [False, True])
def test_a_plan_on_the_card_goes_on(is_way_out: bool) -> None:
    """Its word to close the stream may be lost: who holds the plan repeats it."""
    card = replace(CARD, next=Next.APOLOGY, next_arg="Sorry.", cause="refused", next_language="en")
    made, parts = beginning(card=card)

    made.take_up(Inherited(left=Left(), is_on_way_out=is_way_out), parts.step)

    plan = Plan(next=Next.APOLOGY, next_arg="Sorry.", cause="refused", next_language="en")
    assert parts.told[-1] == ("inherit", plan, is_way_out)


def test_without_a_plan_nobody_is_told_of_one() -> None:
    """A call that was simply going on."""
    made, parts = beginning()

    made.take_up(Inherited(left=Left()), parts.step)

    assert [what for what, *_ in parts.told] == ["inherit", "step"]


@pytest.mark.parametrize("asked_ago_ms", [0, 60_000])
def test_a_moment_that_the_caller_asked_for_goes_on(asked_ago_ms: int) -> None:
    """What is left of it: they are not asked whether they are there."""
    made, parts = beginning(QuietUntil(at_ms=wall_ms() + 50_000 - asked_ago_ms))

    made.take_up(Inherited(left=Left()), parts.step)

    held = [told[1] for told in parts.told if told[0] == "hold"]
    assert len(held) == (0 if asked_ago_ms else 1)
    assert all(isinstance(ms, int) and 49_000 < ms <= 50_000 for ms in held)


def test_a_hang_up_that_was_to_follow_follows() -> None:
    """After what is still to be heard; with a farewell only where nothing of it was said."""
    made, _ = beginning()
    given: list[inputs.Input] = []

    made.follow(Inherited(left=Left(), hang_up="idle", farewell_response="r1"), given.append)

    assert given == [
        inputs.HangUpWished(cause="idle", farewell=GOODBYE, response_id="r1", only_if_unsaid=True)
    ]


def test_after_a_farewell_that_was_heard_nothing_is_said() -> None:
    """While nobody had the call: its next brain only ends it."""
    made, _ = beginning()
    given: list[inputs.Input] = []
    made.follow(Inherited(left=Left(), hang_up="agent", is_farewell_heard=True), given.append)
    assert given == [inputs.HangUpWished(cause="agent")]


@pytest.mark.parametrize(
    ("complete", "ended", "broken_off"), [(False, False, True), (True, False, False), (True, True, False)]
)
def test_a_farewell_that_breaks_off_is_said_to_its_end(complete: bool, ended: bool, broken_off: bool) -> None:
    """The brain died or stood still in the middle of it; one that is there to its end is not said again."""
    made, _ = beginning()
    given: list[inputs.Input] = []
    item = ItemLeft(item_id="i1", response_id="r1", received_bytes=800, heard_ms=50.0, complete=complete)
    left = Left(items=(item,), ended=frozenset({"r1"} if ended else ()))

    made.follow(Inherited(left=left, hang_up="agent", farewell_response="r1"), given.append)

    farewell = REST_OF_GOODBYE if broken_off else GOODBYE
    assert given == [
        inputs.HangUpWished(cause="agent", farewell=farewell, response_id="r1", only_if_unsaid=not broken_off)
    ]


def test_a_caller_who_is_back_meanwhile_is_told_of() -> None:
    """The tool that had sent them away has its answer."""
    made, parts = beginning()
    given: list[inputs.Input] = []
    made.away.sent(Move(kind=Next.DIGITS, argument="1", call_id="t1"))

    made.follow(Inherited(left=Left(), is_back=True), given.append)
    made.follow(Inherited(left=Left(), is_back=True), given.append)

    output = '{"status":"sent"}'
    assert parts.told == [("moved", "t1", output)]
    assert given == [inputs.MoveEnded(output=output)]


async def test_all_that_was_left_is_read(store: Store) -> None:
    """History, and what stands in `reply`; an entry that cannot be read is counted and passed over."""
    flat = history_fields(SPOKEN)
    await store.xadd(KEYS.history(CALL), dict(zip(flat[::2], flat[1::2], strict=True)))
    for entry in (audio("i1", 200), audio("i1", 100, at_ms=200)):
        flat = reply_fields(entry)
        await store.xadd(KEYS.reply(CALL), dict(zip(flat[::2], flat[1::2], strict=True)))
    await store.xadd(KEYS.reply(CALL), {"v": "1", "k": "no kind"})
    made, _ = beginning(store=store)

    found = await made.recall()

    assert (found.left.cut_off, found.received) == ("r-i1", {"i1": 300})
    assert made.counters.contract_errors == 1
    assert made.record.conversation.has_words
    # Its text was growing, and has run ahead of its audio: more of it does not come.
    assert [item_id for item_id, _ in made.record.conversation.session_lost()] == ["i1"]


async def test_without_redis_it_goes_on_with_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some tries: a caller waits."""
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setattr(recall, "PAUSE_S", 0.0)
    made, _ = beginning(SPOKEN)

    found = await made.recall()

    assert found.left.items == ()
    assert made.record.conversation.has_words
    await made.store.aclose()
