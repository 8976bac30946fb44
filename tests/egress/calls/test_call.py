"""The driver of one call: what it makes of the core's actions, when it is sent, and what the core is fed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from egress.calls import call as call_module
from egress.calls.call import SAVE_EVERY, EgressCall
from egress.counters import EgressHops, RoleCounters
from egress.delivery import Delivery
from egress.pacing.metronome import SLOT_MS, Metronome, OutBatch
from egress.reply.backlog import Base
from egress.takeover.positions import Start
from egress.takeover.taking_up import ATTACH_WAIT_MS
from shared.clock import now_ms
from shared.contract.card import EgressControl, EgressFigures
from shared.contract.command import Command
from shared.contract.entry import FIRST, after
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.control import Audible, Flushed, Heard, Message, Silent
from shared.contract.streams.journal import Kind
from shared.contract.streams.pairs import BackKind, Name, OutKind, Pair, groups, read_name
from shared.contract.streams.reply import ReplyEntry, ReplyKind, reply_fields
from shared.figures.hops import Hop
from shared.ownership.control_feed import ControlFeed
from shared.ownership.journal import JournalPen
from shared.ownership.owner import Owner
from shared.store.client import Store
from shared.store.inbox import Entry, Inbox, Sink
from shared.store.writing.outbox import OnReply, Outbox
from tests.egress.stage import frames_of, speech
from tests.egress.world import SECOND, egress, held, world
from tests.support.guards import a_guard
from tests.support.waiting import wait_until

SID = "CA" + "0" * 32
KEYS = Keys(1)
INGRESS = "ingress-0@h#1"
HERE = "h"


@dataclass
class Pen:
    """The owner's pen."""

    told: list[Message] = field(default_factory=list)
    saved: list[tuple[str, EgressFigures, EgressControl]] = field(default_factory=list)
    epoch: int = 7
    keys: Keys = KEYS

    def tell(self, message: Message, *, wake: str) -> None:
        assert wake == "brain"
        self.told.append(message)

    def trim_reply(self, keep_from: str, figures: EgressFigures, control: EgressControl) -> None:
        self.saved.append((keep_from, figures, control))


@dataclass
class Journal:
    lines: list[tuple[Kind, dict[str, object]]] = field(default_factory=list)

    def note(self, call_sid: str, kind: Kind, **fields: object) -> None:
        assert call_sid == SID
        self.lines.append((kind, fields))


@dataclass
class Clock:
    """The metronome: who stands in it."""

    entered: list[float] = field(default_factory=list)
    left: int = 0

    def enter(self, call: EgressCall, now: float) -> None:
        call.slot = 0
        self.entered.append(now)

    def leave(self, call: EgressCall) -> None:
        call.slot = -1
        self.left += 1


@dataclass
class Reading:
    """The inbox."""

    watched: dict[str, tuple[str, Sink]] = field(default_factory=dict)

    def watch(self, key: str, after_id: str, sink: Sink) -> None:
        self.watched[key] = (after_id, sink)

    def unwatch(self, key: str) -> None:
        self.watched.pop(key, None)

    def is_watched(self, key: str) -> bool:
        return key in self.watched


@dataclass
class Control:
    """The feed of control messages."""

    position: str = FIRST
    rung: int = 0
    is_stopped: bool = False

    def ring(self) -> None:
        self.rung += 1

    def stop(self) -> None:
        self.is_stopped = True


@dataclass
class Asked:
    """The outbox, for what is read by it."""

    questions: list[tuple[Command, OnReply]] = field(default_factory=list)

    def send(self, command: Command, *, on_reply: OnReply) -> None:
        self.questions.append((command, on_reply))


class Desk:
    """A driver in given time, among doubles."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.pen, self.journal, self.clock, self.reading = Pen(), Journal(), Clock(), Reading()
        self.control, self.outbox, self.counters, self.hops = Control(), Asked(), RoleCounters(), EgressHops()
        self.entries: list[tuple[str, list[Pair], bool]] = []
        """(ingress worker, pairs, urgent)"""
        self.nudges = 0
        self.written = 0
        self.batch = OutBatch(lambda *entry: self.entries.append(entry))
        base = Base(cut=0, item_id="", frame=0, n=0)
        start = Start(leg=1, ingress=INGRESS, base=base)
        self.call = EgressCall(
            call_sid=SID,
            lane=0,
            delivery=Delivery(start, self.now, 160.0),
            owner=cast(Owner, self.pen),
            control=cast(ControlFeed, self.control),
            outbox=cast(Outbox, self.outbox),
            inbox=cast(Inbox, self.reading),
            nudge=self._nudge,
            journal=cast(JournalPen, self.journal),
            guard=a_guard(),
            batch=self.batch,
            metronome=cast(Metronome, self.clock),
            claims=1,
            counters=self.counters,
            hops=self.hops,
            model_to_egress=Hop(self.hops.model_to_egress_ms, HERE),
        )

    def _nudge(self) -> None:
        self.nudges += 1

    def entry(
        self,
        kind: ReplyKind,
        offset: int = 0,
        audio: bytes = b"",
        *,
        cut: int = 0,
        item: str = "a",
        host: str = "",
        t_ms: float = 0.0,
    ) -> Entry:
        self.written += 1
        entry = ReplyEntry(kind, 1, cut, f"r{item}", item, offset, t_ms, audio, host)
        return b"%d-0" % self.written, reply_fields(entry)

    def say(self, audio: bytes) -> None:
        """An item and its end, in one reading."""
        self.call.receive_reply(
            [self.entry(ReplyKind.AUDIO, 0, audio), self.entry(ReplyKind.ITEM_END, len(audio))]
        )

    def report(self, kind: BackKind, n: int = 0, value: bytes = b"0", *, leg: int = 1) -> None:
        self.call.receive_report(Name(kind, SID, leg, self.pen.epoch, 0, n), value)

    def attach(self) -> None:
        """Ingress answers that it takes groups, and has nothing of an owner before us."""
        self.report(BackKind.GROUPS, value=groups())
        self.report(BackKind.ATTACHED)

    def names(self) -> list[Name]:
        return [read_name(encoded) for _, pairs, _ in self.entries for encoded, _ in pairs]

    def frames(self) -> list[tuple[Name, bytes]]:
        pairs = [(read_name(encoded), value) for _, pairs, _ in self.entries for encoded, value in pairs]
        return [(name, value) for name, value in pairs if name.kind == OutKind.FRAME]

    def kinds(self) -> list[str]:
        return [name.kind for name in self.names()]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(call_module, "now_ms", lambda: desk.now)
    return desk


# The door, and the tick.


def test_a_call_that_begins_asks_ingress_and_reads_what_was_said(desk: Desk) -> None:
    """Its reply from the first entry there is, and what it was told."""
    desk.call.begin()

    assert (desk.kinds(), desk.entries[0][2]) == ([OutKind.ATTACH], True)
    assert desk.reading.watched[KEYS.reply(SID)][0] == FIRST
    assert (desk.nudges, desk.control.rung) == (1, 1)


def test_what_an_input_makes_due_goes_at_once(desk: Desk) -> None:
    """The first frames of a spurt in one urgent entry, named by call, leg, epoch and cut, in groups."""
    desk.attach()

    desk.say(speech(4_000))

    ((ingress, pairs, urgent),) = desk.entries
    assert (ingress, urgent) == (INGRESS, True)
    assert desk.names() == [Name(OutKind.FRAME, SID, 1, 7, 0, n) for n in (3, 6, 9, 10)]
    frames = frames_of(speech(4_000))
    assert [audio for _, audio in pairs] == [b"".join(frames[at : min(10, at + 3)]) for at in (0, 3, 6, 9)]
    assert desk.clock.entered == [desk.now]


def test_what_a_tick_makes_due_waits_for_the_metronome(desk: Desk) -> None:
    """It sends what all calls have, as one entry."""
    desk.attach()
    desk.say(speech(4_000))
    desk.entries.clear()

    wants_more = desk.call.tick(desk.now + 60)
    before = list(desk.entries)
    desk.batch.send()

    assert wants_more
    assert before == []
    assert [(entry[2], len(entry[1])) for entry in desk.entries] == [(False, 1)]


def test_what_has_only_just_become_due_leaves_in_its_slot(desk: Desk) -> None:
    """An input that comes between sends nothing of it: the slot does, with what other calls have."""
    desk.attach()
    desk.say(speech(4_000))
    desk.entries.clear()

    desk.now += 60 + SLOT_MS / 2
    desk.report(BackKind.FORWARDED, 10)
    assert desk.entries == []

    desk.call.tick(desk.now)
    desk.batch.send()
    assert [name.n for name in desk.names()] == [13]


def test_what_comes_when_it_is_due_already_waits_for_no_slot(desk: Desk) -> None:
    """Nothing was here when the next frame was due: it leaves as it comes, be it 10 ms later."""
    desk.attach()
    desk.call.receive_reply([desk.entry(ReplyKind.AUDIO, 0, speech(1_600))])
    assert [name.n for name in desk.names()] == [3, 6, 9, 10]
    desk.entries.clear()

    desk.now += 60 + SLOT_MS / 2
    desk.call.receive_reply([desk.entry(ReplyKind.AUDIO, 1_600, speech(320))])

    assert [(name.n, len(audio)) for name, audio in desk.frames()] == [(12, 320)]


def paused(desk: Desk, kind: ReplyKind = ReplyKind.PAUSE) -> None:
    """The brain has playback stand still, or go on."""
    desk.written += 1
    entry = ReplyEntry(kind, 1, 0, "", "", 0, 0.0, b"", pause_ms=2_000 if kind is ReplyKind.PAUSE else 0)
    desk.call.receive_reply([(b"%d-0" % desk.written, reply_fields(entry))])


def test_a_pause_goes_at_once_and_what_was_not_heard_comes_again(desk: Desk) -> None:
    """With the mark that goes behind it, under the number of the last frame; then from the frame in which the
    ear stood, under higher numbers."""
    desk.report(BackKind.PAUSES, value=b"")
    desk.attach()
    desk.say(speech(4_000))
    desk.report(BackKind.FORWARDED, 10)
    desk.entries.clear()

    desk.now += 50
    paused(desk)
    ((ingress, pairs, urgent),) = desk.entries
    assert (ingress, urgent, desk.names()) == (INGRESS, True, [Name(OutKind.PAUSE, SID, 1, 7, 0, 10)])
    assert pairs[0][1] == b"1.0.=stop.%d" % round(desk.now)

    desk.entries.clear()
    desk.now += 500
    desk.call.tick(desk.now)
    assert desk.entries == []
    paused(desk, ReplyKind.RESUME)
    name, audio = desk.frames()[0]
    assert (name.n, audio) == (13, b"".join(frames_of(speech(4_000))[2:5]))


def test_an_ingress_that_says_nothing_of_pauses_is_asked_for_none(desk: Desk) -> None:
    """It is of an older version; nor is one of this stream, if another stream's ingress has said it."""
    desk.report(BackKind.PAUSES, value=b"", leg=7)
    desk.attach()
    desk.say(speech(4_000))
    desk.entries.clear()

    desk.now += 100
    paused(desk)
    desk.call.tick(desk.now)

    assert desk.entries == []


def test_the_way_to_twilio_is_known_of_this_stream_alone(desk: Desk) -> None:
    """What ingress has measured of this stream; the way of another one is not its."""
    reported = []
    for leg in (desk.call.delivery.leg + 1, desk.call.delivery.leg):
        desk.report(BackKind.WAY, value=b"200", leg=leg)
        reported.append(desk.call.delivery.ledger.way_ms)
    assert reported == [0.0, 200.0]


def test_an_ingress_that_says_nothing_of_groups_gets_single_frames(desk: Desk) -> None:
    """It is of an older version, and would take a group for one frame. What is said holds for one stream."""
    desk.report(BackKind.ATTACHED)
    desk.say(speech(4_000))
    assert [(name.n, len(audio)) for name, audio in desk.frames()] == [(n, 160) for n in range(1, 11)]

    desk.report(BackKind.GROUPS, value=b"2", leg=7)
    desk.entries.clear()
    desk.now += 60
    desk.call.tick(desk.now)
    desk.batch.send()
    assert [name.n for name, _ in desk.frames()] == [11, 12, 13], "it was said of another stream"

    desk.report(BackKind.GROUPS, value=b"2")
    desk.entries.clear()
    desk.now += 60
    desk.call.tick(desk.now)
    desk.batch.send()
    assert [(name.n, len(audio)) for name, audio in desk.frames()] == [(15, 320), (16, 160)]

    desk.entries.clear()
    desk.call.follow_stream(2, INGRESS, was_open=False)
    assert {len(audio) for _, audio in desk.frames()} == {160}, "the new stream may be another version's"


@pytest.mark.parametrize("value", [b"", b"0", b"x", b"-3"])
def test_what_is_said_of_groups_is_a_number(desk: Desk, value: bytes) -> None:
    """Of 1 or more."""
    with pytest.raises(EntryError, match="expected a number of frames"):
        desk.report(BackKind.GROUPS, value=value)


def test_a_call_at_rest_needs_no_ticks(desk: Desk) -> None:
    """Nothing is held, nothing is under way, no answer is waited for."""
    desk.attach()

    assert not desk.call.tick(desk.now)
    assert (desk.call.slot, desk.clock.left > 0) == (-1, True)


def test_without_an_answer_of_ingress_the_first_frames_wait(desk: Desk) -> None:
    """The clock runs meanwhile."""
    desk.say(speech(4_000))
    assert (desk.kinds(), desk.call.slot) == ([], 0)

    desk.call.tick(desk.now + ATTACH_WAIT_MS)
    desk.batch.send()

    assert [name.n for name in desk.names()] == list(range(1, 11)), "nor does it say that it takes groups"


# What the actions become.


def test_a_mark_stands_behind_its_frame(desk: Desk) -> None:
    """With the number of that frame, and its own name as the value."""
    desk.attach()

    desk.say(speech(320))

    ((_, pairs, _),) = desk.entries
    assert desk.kinds() == [OutKind.FRAME, OutKind.MARK]
    assert (read_name(pairs[1][0]).n, pairs[1][1]) == (2, b"1.0.a.40")


def test_each_clear_has_the_cut_and_the_stamp_of_its_own_flush(desk: Desk) -> None:
    """All in one reading; a stamp of another host says nothing to ingress, nor does audio of a new reply
    whose flush was lost."""
    desk.attach()

    desk.call.receive_reply(
        [
            desk.entry(ReplyKind.FLUSH, cut=1, host=HERE, t_ms=11.0),
            desk.entry(ReplyKind.FLUSH, cut=2, host=HERE, t_ms=22.0),
            desk.entry(ReplyKind.FLUSH, cut=3, host="elsewhere", t_ms=33.0),
            desk.entry(ReplyKind.AUDIO, 0, speech(7), cut=4, host=HERE, t_ms=44.0),
        ]
    )

    clears = [(read_name(name).cut, value) for _, pairs, _ in desk.entries for name, value in pairs]
    assert clears == [(1, b"11.0"), (2, b"22.0"), (3, b""), (4, b"")]
    assert all(urgent for _, _, urgent in desk.entries)


def test_a_new_leg_is_in_the_names_from_its_first_pair_on(desk: Desk) -> None:
    """And its ingress worker gets them."""
    desk.attach()
    desk.say(speech(8_000))
    desk.entries.clear()

    desk.call.follow_stream(2, "ingress-1@h#2", was_open=False)

    assert {entry[0] for entry in desk.entries} == {"ingress-1@h#2"}
    assert {name.leg for name in desk.names()} == {2}
    assert desk.kinds()[0] == OutKind.ATTACH


def test_transitions_are_told_and_noted_but_for_what_history_says(desk: Desk) -> None:
    """The brain hears of each; the journal has a line for those that people look for."""
    desk.attach()
    desk.say(speech(160))
    desk.call.receive_reply([desk.entry(ReplyKind.RESPONSE_END)])

    desk.report(BackKind.ECHO, value=b"1.0.a.20")
    desk.call.receive_reply([desk.entry(ReplyKind.FLUSH, cut=1)])

    assert [type(message) for message in desk.pen.told] == [Audible, Heard, Silent, Flushed]
    assert [kind for kind, _ in desk.journal.lines] == [Kind.AUDIBLE, Kind.SILENT, Kind.FLUSHED]
    assert desk.journal.lines[0][1] == {
        "cut": 0,
        "response": "ra",
        "item": "a",
        "heard_ms": 0,
        "frames_waiting": 0,
    }


# Positions.


def test_what_has_not_changed_is_saved_every_tenth_time(desk: Desk) -> None:
    """A fenced write is how a quiet call is let go of."""
    for _ in range(1 + SAVE_EVERY):
        desk.call.save()

    assert len(desk.pen.saved) == 2


def test_what_has_changed_is_saved_at_once(desk: Desk) -> None:
    """With the place in `control`; `reply` is trimmed in the same step."""
    desk.attach()
    desk.call.save()
    desk.control.position = "5-0"
    desk.say(speech(160))
    desk.report(BackKind.FORWARDED, 1)
    desk.report(BackKind.ECHO, value=b"1.0.a.20")

    desk.call.save()

    keep_from, figures, control = desk.pen.saved[-1]
    assert (keep_from, figures.frame_n, control) == ("2-1", 1, EgressControl(control_pos_egress="5-0"))


def test_what_was_heard_out_leaves_the_reply_at_once(desk: Desk) -> None:
    """It does not wait for the next second; what was interrupted went with its flush."""
    desk.attach()
    desk.say(speech(160))
    desk.report(BackKind.FORWARDED, 1)
    before = len(desk.pen.saved)
    desk.call.receive_reply([desk.entry(ReplyKind.RESPONSE_END)])
    last_id = desk.call.reply_position

    desk.report(BackKind.ECHO, value=b"1.0.a.20")

    (keep_from, figures, _), *more = desk.pen.saved[before:]
    assert more == []
    assert (keep_from, figures.audible_response) == (after(last_id), "")


# The reply.


def test_an_entry_that_cannot_be_read_is_counted_and_trimmed_in_its_turn(desk: Desk) -> None:
    """What follows it is heard."""
    desk.attach()

    desk.call.receive_reply([(b"1-0", [b"v", b"9"]), desk.entry(ReplyKind.AUDIO, 0, speech(160))])
    desk.call.save()

    assert desk.counters.unreadable == 1
    assert OutKind.FRAME in desk.kinds()
    assert desk.pen.saved[-1][0] == "1-1"


def test_a_report_that_cannot_be_read_is_an_error(desk: Desk) -> None:
    """No figure is not none of it."""
    with pytest.raises(EntryError, match="expected a number of bytes"):
        desk.report(BackKind.FORWARDED, 1, b"")


def test_a_quiet_reply_is_not_watched_until_it_rings(desk: Desk) -> None:
    """It is read on from where it was left."""
    desk.call.watch_reply(nudge=False)
    desk.call.receive_reply([desk.entry(ReplyKind.RESPONSE_END)])
    desk.call.rest()
    stays = desk.reading.is_watched(KEYS.reply(SID))
    desk.now += 10_000

    desk.call.rest()
    rests = not desk.reading.is_watched(KEYS.reply(SID))
    desk.call.watch_reply(nudge=False)
    desk.call.rest()

    assert (stays, rests) == (True, True)
    assert desk.reading.watched[KEYS.reply(SID)][0] == "1-0"
    assert desk.nudges == 0


def full(desk: Desk) -> Callable[[object], None]:
    """Much more is said than is held, and then there is room: the core asks to read on."""
    desk.attach()
    for at in range(0, 400_000, 40_000):
        desk.call.receive_reply([desk.entry(ReplyKind.AUDIO, at, speech(40_000))])
    return lambda reply: desk.outbox.questions[-1][1](reply)


def hear(desk: Desk, seconds: int) -> None:
    """Time passes, and ingress keeps up."""
    for _ in range(seconds * 50):
        desk.now += 20
        desk.call.tick(desk.now)
        desk.report(BackKind.FORWARDED, desk.call.delivery.backlog.next_n - 1)


def test_what_was_left_in_redis_is_read_on_when_there_is_room(desk: Desk) -> None:
    """Behind the last entry that is held; a question that failed is asked again, and counted."""
    answer = full(desk)
    hear(desk, 22)
    (command, _) = desk.outbox.questions[0]
    assert command.args[:3] == (b"XRANGE", KEYS.reply(SID).encode(), b"(7-0")

    answer(RuntimeError("the outbox is full"))
    hear(desk, 1)
    asked = len(desk.outbox.questions)
    desk.written = 7
    answer([desk.entry(ReplyKind.AUDIO, 280_000, speech(40_000))])

    assert (asked, desk.counters.store_errors) == (2, 1)
    assert desk.call.delivery.intake.counters.bytes_missing == 0
    assert desk.call.delivery.backlog.held_bytes > 120_000, "and it is held"


# The end.


def test_a_call_that_was_let_go_is_read_and_ticked_no_more(desk: Desk) -> None:
    """Whatever is under way for it."""
    desk.call.begin()

    desk.call.let_go()

    assert desk.call.is_over
    assert desk.control.is_stopped
    assert desk.reading.watched == {}
    assert desk.call.slot == -1


def test_a_call_that_has_ended_tells_nothing(desk: Desk) -> None:
    """Its card would refuse it."""
    desk.attach()
    desk.say(speech(4_000))
    desk.pen.told.clear()

    desk.call.end()

    assert desk.pen.told == []
    assert not desk.call.tick(desk.now + 20)


# On a real server.


async def test_an_answer_for_a_call_that_was_let_go_leads_to_nothing(store: Store, redis_url: str) -> None:
    """Reply that was read again comes after the release: the call does not rise from the dead."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        await here.play(call, speech(10 * SECOND), frames=10)
        gone = held(role, call)
        answers: list[object] = []

        gone._refill("0-0")
        process.outbox.send(Command(gone.lane, (b"PING",)), on_reply=answers.append)
        role.calls.release(gone, "")
        await wait_until(lambda: bool(answers), "Redis has answered")

        assert gone.slot == -1


async def test_a_silent_ingress_is_asked_and_goes_on(store: Store, redis_url: str) -> None:
    """Ingress says nothing for a while: egress stops, asks, and loses nothing."""
    audio = speech(2 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, audio, frames=20)

        here.ingress.is_deaf = True
        delivery = held(role, call).delivery
        await wait_until(lambda: delivery.pacer.stopped, "egress has stopped")
        here.ingress.is_deaf = False
        await wait_until(lambda: here.silent(call), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)


@pytest.mark.parametrize("is_here", [True, False])
async def test_hops_of_a_brain_here_and_elsewhere(store: Store, redis_url: str, is_here: bool) -> None:
    """A clear hands on the stamp of its flush if it is of our clock; frames count only on one host."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.served(role)
        here.say(call, speech(800))
        await wait_until(lambda: here.silent(call), "there is a way to ingress, and nothing waits")
        read_before = role.hops.model_to_egress_ms.count
        host = process.worker.host if is_here else "elsewhere"
        stamp_ms = now_ms()
        for kind, cut, audio in ((ReplyKind.AUDIO, 0, speech(SECOND)), (ReplyKind.FLUSH, 1, b"")):
            entry = ReplyEntry(kind, 1, cut, "resp_b", "item_b", 0, stamp_ms, audio, host)
            here.pens[call].reply(entry, wake=True)
            await wait_until(lambda: len(here.ingress.frames(call)) > 5, "the first frames are out")
        await wait_until(lambda: bool(here.ingress.at(call, OutKind.CLEAR)), "the clear is out")

    (value,) = [value for _, name, value in here.ingress.out if name.kind == OutKind.CLEAR]
    assert value == (b"%.1f" % stamp_ms if is_here else b"")
    assert role.hops.model_to_egress_ms.count == read_before + 2
    assert role.hops.model_to_frame_ms.count == (1 if is_here else 0)
