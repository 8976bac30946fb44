"""One call's way out: fence, socket, and the reports that follow."""

from __future__ import annotations

import asyncio

import orjson

from ingress.calls.call import Call
from ingress.calls.post import BackPost
from ingress.counters import CallCounters
from shared.clock import now_ms
from shared.contract.entries import Name, Pair, read_name
from tests.support.waiting import wait_until

CALL = "CA" + "1" * 32
EGRESS = "egress-0@h#a"


class FakeLine:
    """A media socket that records what is written."""

    def __init__(self) -> None:
        self.stream_sid_bytes = b"MZ" + b"2" * 32
        self.takes_audio = True
        self.unsent_bytes = 0
        self.is_full = False
        self.done: list[str] = []

    def write_media(self, cut: int, message: bytes) -> bool:
        if not self.is_full:
            self.done.append(f"media {cut}")
        return not self.is_full

    def write_control(self, message: bytes) -> None:
        self.done.append(orjson.loads(message)["event"])

    def drop_media_below(self, cut: int) -> None:
        self.done.append(f"drop {cut}")

    def hang_up(self, reason: str) -> None:
        self.done.append(f"hang up {reason}")


class Desk:
    """A call with a fake line; keeps what is told to egress."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Name, bytes]] = []
        self.counters = CallCounters()
        self.call = Call(CALL, BackPost(self.send, self.counters), self.counters)
        self.line = FakeLine()
        self.call.connect(self.line, 1)

    def send(self, worker: str, pairs: list[Pair]) -> None:
        self.told += [(worker, read_name(name), value) for name, value in pairs]

    def take(
        self,
        kind: str,
        *,
        n: int = 0,
        cut: int = 0,
        epoch: int = 1,
        value: bytes = b"a",
        worker: str = EGRESS,
    ) -> None:
        leg = self.call.fence.leg
        if kind == "frame":
            self.call.take_frame(worker, leg, epoch, cut, n, value)
        else:
            self.call.take(worker, Name(kind, CALL, leg, epoch, cut, n), value)


async def test_clear_drops_unsent_media_first() -> None:
    """Unsent media goes before the clear is written."""
    desk = Desk()
    desk.take("frame", n=1)
    desk.take("clear", cut=1, n=1)
    assert desk.line.done == ["media 0", "drop 1", "clear"]


async def test_frame_of_a_new_cut_drops_the_old_ones() -> None:
    """Also when its clear never came."""
    desk = Desk()
    desk.take("frame", n=1)
    desk.take("frame", n=2, cut=3)
    assert desk.line.done == ["media 0", "drop 3", "media 3"]


async def test_without_a_socket_nothing_is_raised() -> None:
    """Frames for a socket that is closing do not count as given, so a new leg can have them."""
    desk = Desk()
    desk.line.takes_audio = False
    desk.take("frame", n=1)
    assert (desk.call.fence.last_frame, desk.call.forwarded) == (0, 0)
    desk.line.takes_audio = True
    desk.take("frame", n=1)
    assert desk.call.forwarded == 1


async def test_dropped_frames_are_not_forwarded() -> None:
    """A frame that the socket had no room for is not reported as given to it."""
    desk = Desk()
    desk.take("frame", n=1)
    desk.line.is_full = True
    desk.take("frame", n=2)
    assert desk.call.forwarded == 1


async def test_dropped_frames_may_come_again() -> None:
    """Egress stops when nothing is acknowledged, and goes on from the last frame forwarded."""
    desk = Desk()
    desk.line.is_full = True
    desk.take("frame", n=1)
    desk.line.is_full = False
    desk.take("frame", n=1)
    assert desk.call.forwarded == 1


async def test_first_frame_ends_the_hold_clip() -> None:
    """What is unsent of the clip goes, what Twilio has is cleared, then the frame plays."""
    desk = Desk()
    desk.call.listen(now_ms(), now_ms() - 5_000)
    desk.take("frame", n=1)
    desk.take("frame", n=2)
    assert desk.line.done == ["media -1", "drop 0", "clear", "media 0", "media 0"]


async def test_due_answer_that_does_not_come() -> None:
    """The brain says that an answer is due: four seconds later the clip plays; `0` takes it back."""
    desk = Desk()
    desk.take("attach")
    desk.take("due", value=b"4000")
    desk.call.listen(now_ms() + 3_900, None)
    assert desk.line.done == []
    desk.call.listen(now_ms() + 4_100, None)
    assert desk.line.done == ["media -1"]
    desk.take("due", value=b"0")
    desk.call.listen(now_ms() + 60_000, None)
    assert desk.line.done == ["media -1"]


async def test_reports_go_to_the_egress_that_speaks() -> None:
    """Progress within 100 ms, once for many frames; again while bytes are unsent."""
    desk = Desk()
    for n in range(1, 6):
        desk.take("frame", n=n)
    desk.take("frame", n=6, epoch=2, worker="egress-1@h#b")
    desk.line.unsent_bytes = 500
    await wait_until(lambda: len(desk.told) >= 2, "progress was told twice")
    worker, name, value = desk.told[0]
    assert (worker, name.kind, name.epoch, name.n, value) == ("egress-1@h#b", "forwarded", 2, 6, b"500")
    desk.line.unsent_bytes = 0
    await asyncio.sleep(0.15)  # The last report, then none: nothing shows an absence but time.
    count = len(desk.told)
    await asyncio.sleep(0.15)
    assert len(desk.told) == count


async def test_echo_goes_at_once_with_progress() -> None:
    """In one entry, at the end of the turn of the loop."""
    desk = Desk()
    desk.take("frame", n=1)
    await asyncio.sleep(0)
    desk.call.echo("1.0.item.20")
    await asyncio.sleep(0)
    assert [(name.kind, value) for _, name, value in desk.told] == [
        ("forwarded", b"0"),
        ("echo", b"1.0.item.20"),
        ("forwarded", b"0"),
    ]
    assert desk.counters.back_entries == 2


async def test_echo_without_egress_is_nobodys() -> None:
    """Before any egress has spoken there is none to tell."""
    desk = Desk()
    desk.call.echo("x")
    await asyncio.sleep(0)
    assert desk.told == []


async def test_close_is_the_brains() -> None:
    """An old brain's close is dropped."""
    desk = Desk()
    desk.take("due", epoch=2)
    desk.take("close", epoch=1, value=b"old")
    desk.take("close", epoch=2, value=b"new")
    assert desk.line.done == ["hang up new"]
    assert desk.call.egress == ""


async def test_empty_frames_are_not_written() -> None:
    """Twilio kills a stream for an empty payload."""
    desk = Desk()
    desk.take("frame", n=1, value=b"")
    assert desk.line.done == []
