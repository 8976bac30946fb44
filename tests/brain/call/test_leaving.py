"""What ingress is asked for: the plan first, then the stream; and a call that nobody can serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from brain.call import leaving as module
from brain.call.leaving import Leaving, release
from brain.sound.kinds import Loop
from shared.contract.card import Next, Plan
from shared.contract.command import Command
from shared.contract.keys import Keys
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import OutKind, Owes, read_name, read_pairs
from shared.logs.log import get_log
from shared.ownership import steps
from shared.ownership.counters import OwnershipCounters
from shared.ownership.journal import JournalPen
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.brain.stage import INGRESS, KEYS, line
from tests.support.waiting import wait_until

CALL = "CA" + "0" * 32
ELSEWHERE = "ingress-1@h#2"


@dataclass
class Paper:
    """Takes what is written, in one order: plans, lines of the journal, pairs for an ingress."""

    written: list[object] = field(default_factory=list)

    def send(self, command: Command, *, on_reply: object = None, urgent: bool = False) -> None:
        key = command.args[1].decode()
        for name, value in read_pairs(command.args[command.args.index(b"*") + 1 :]):
            read = read_name(name)
            self.written.append((key, read.kind, read.leg, value.decode(), urgent))

    def note(self, _call_sid: str, kind: Kind, **_: object) -> None:
        self.written.append(kind)


class Pen(Owner):
    """An owner that keeps the plans it writes."""

    def card(self, *records: object, urgent: bool = False) -> None:
        assert urgent
        cast(Paper, self.outbox).written.extend(records)


def leaving(ingress: str = INGRESS) -> tuple[Leaving, list[object]]:
    paper = Paper()
    pen = Pen(cast(Outbox, paper), Keys(1), CALL, "brain", 3, lambda _answer: None, "brain-0@h#1")
    return Leaving(pen, cast(JournalPen, paper), 2, ingress), paper.written


def close(cause: str, leg: int = 2, ingress: str = INGRESS) -> tuple[object, ...]:
    return (KEYS.out(ingress), OutKind.CLOSE, leg, cause, True)


def test_the_plan_stands_on_the_card_before_the_stream_is_closed() -> None:
    """Twilio asks at once."""
    way, written = leaving()
    way.hang_up("agent")

    assert written == [Kind.HANG_UP, Plan(next=Next.HANG_UP, next_arg="", cause="agent"), close("agent")]


def test_an_apology_has_its_words() -> None:
    """For Twilio's voice."""
    way, written = leaving()
    way.apologise("closed_1006", "So sorry.")

    plan = Plan(next=Next.APOLOGY, next_arg="So sorry.", cause="closed_1006")
    assert written == [Kind.ERROR, plan, close("closed_1006")]


def test_a_caller_who_is_refused_hears_why() -> None:
    """By the same voice; it is no error."""
    way, written = leaving()
    way.refuse("We are closed.", "en")

    plan = Plan(next=Next.APOLOGY, next_arg="We are closed.", cause="refused", next_language="en")
    assert written == [Kind.HANG_UP, plan, close("refused")]


def test_a_call_on_its_way_out_is_closed_on_a_new_stream_too() -> None:
    """Wherever it is; not on the stream that was closed already, or on an older one."""
    way, written = leaving()
    way.hang_up("agent")
    del written[:]
    way.stream_opened(2, INGRESS)
    way.stream_opened(1, ELSEWHERE)
    assert written == []

    way.stream_opened(3, ELSEWHERE)

    assert written == [Plan(next=Next.HANG_UP, next_arg="", cause="agent"), close("agent", 3, ELSEWHERE)]


def test_a_move_is_no_way_out() -> None:
    """The stream that comes back goes on with the call."""
    way, written = leaving()
    way.move(Next.DIAL, "+15550001111")
    assert written == [
        Kind.MOVE,
        Plan(next=Next.DIAL, next_arg="+15550001111", cause="move_dial"),
        close("move_dial"),
    ]
    del written[:]

    way.stream_opened(3, INGRESS)

    assert written == []


def test_ingress_is_told_at_once_what_is_owed() -> None:
    """To the leg that is open."""
    way, written = leaving()
    way.tell_owed(Owes(number=3, age_ms=500, cause=DebtCause.TURN))

    assert written == [(KEYS.out(INGRESS), OutKind.OWES, 2, "500 - turn", True)]


def test_without_an_ingress_the_plan_stands_all_the_same() -> None:
    """Whoever attaches next finds it."""
    way, written = leaving("")
    way.tell_owed(Owes(number=1))
    way.hang_up("agent")

    assert written == [Kind.HANG_UP, Plan(next=Next.HANG_UP, next_arg="", cause="agent")]


async def test_an_end_that_nobody_brings_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that has come is not waited for any more."""
    monkeypatch.setattr(module, "END_WITHIN_S", 0.01)
    given_up: list[str] = []

    def note(name: str) -> Callable[[], None]:
        return lambda: given_up.append(name)

    (ended, _), (lost, _) = leaving(), leaving()
    ended.wait_for_end(note("ended"))
    ended.cancel()
    lost.wait_for_end(note("lost"))

    await wait_until(lambda: bool(given_up), "it is given up")
    assert given_up == ["lost"]


async def test_a_call_is_given_back(store: Store, redis_url: str) -> None:
    """Counted where it was ours, and harmless where it is another's by now."""
    async with line(store, redis_url) as here:
        claim = await steps.claim(store, KEYS, here.call_sid, role="brain", worker="brain-0@h#1")
        counters = OwnershipCounters()
        mine, older = (
            Owner(here.outbox, KEYS, here.call_sid, "brain", epoch, lambda _answer: None, "brain-0@h#1")
            for epoch in (claim.epoch, claim.epoch - 1)
        )
        await release(older, counters, get_log())
        assert (await here.card())["brain"] == "brain-0@h#1"

        await release(mine, counters, get_log())

        assert (await here.card())["brain"] == ""
        assert counters.releases == 1
        await here.end()


OWES = Owes(number=1, cause=DebtCause.TURN)


def said(way: Leaving) -> list[str]:
    """The kinds of what is said again every second."""
    return [read_name(name).kind for name, _ in way.say_again(OWES)]


def test_a_close_that_may_be_lost_is_said_again_until_the_stream_is_gone() -> None:
    """`out` forgets what nobody reads; a call that was told goodbye must end."""
    way, _ = leaving()
    assert said(way) == [OutKind.OWES]

    way.hang_up("agent")
    assert said(way) == [OutKind.OWES, OutKind.CLOSE]
    way.stream_closed()

    assert said(way) == [OutKind.OWES]


def test_a_caller_who_is_back_from_a_move_is_not_closed_again() -> None:
    """That close was the old stream's."""
    way, _ = leaving()
    way.move(Next.DIAL, "+15550001")
    assert said(way) == [OutKind.OWES, OutKind.CLOSE]

    way.stream_opened(3, INGRESS)

    assert said(way) == [OutKind.OWES]


MUSIC = Loop(file="music.wav", after_ms=500, level_db=-10.0, audio=b"\x10" * 160)


def test_ingress_is_told_what_a_caller_hears_while_they_wait() -> None:
    """When it changes, and every second as long as it is wanted; its end once."""
    way, written = leaving()

    way.fill_with(MUSIC)
    way.fill_with(MUSIC)
    assert written == [(KEYS.out(INGRESS), OutKind.FILL, 2, MUSIC.id, True)]
    assert said(way) == [OutKind.OWES, OutKind.FILL]
    assert [read_name(name).n for name, _ in way.say_again(OWES)][1] == 500

    del written[:]
    way.fill_with(None)
    assert written == [(KEYS.out(INGRESS), OutKind.FILL, 2, "", True)]
    assert said(way) == [OutKind.OWES]
