"""The seam for carriers: another carrier's wire serves a call as Twilio's does."""

from __future__ import annotations

import asyncio

from ingress.media import twilio
from ingress.media.wire import Wire
from shared.contract.streams.caller import CallerFrame, read_caller
from tests.ingress.fakes import CALL, STREAM, Desk
from tests.support import second_carrier
from tests.support.second_carrier import goodbye, hello, key, sound

WIRES: tuple[Wire, ...] = (twilio, second_carrier)
"""Modules are wires: the type checker holds it."""


def live() -> Desk:
    """A call whose carrier is the second one."""
    desk = Desk(wire=second_carrier, is_attached=False)
    desk.stream.text(hello(CALL, STREAM))
    assert desk.attach()
    return desk


def caller_frames(desk: Desk) -> list[CallerFrame]:
    """What was written to `caller`."""
    return [read_caller(words[words.index(b"*") + 1 :]) for words in desk.outbox.packed]


async def test_frames_marks_and_clears_leave_as_its_own() -> None:
    """In order, each in the carrier's words, a clear after the unsent media is dropped."""
    desk = live()
    desk.receive("frame", n=1, value=b"\x01\x02")
    desk.receive("mark", n=1, value=b"1.0.item.20")
    desk.receive("clear", n=1, cut=1, value=b"")

    stream = STREAM.encode()
    assert desk.socket.written == [
        second_carrier.build_media(stream, b"\x01\x02"),
        second_carrier.build_mark(stream, "1.0.item.20"),
        second_carrier.build_clear(stream),
    ]
    assert desk.socket.done == ["media 0", "control", "drop 1", "control"]


async def test_its_caller_is_heard() -> None:
    """Its audio becomes caller frames, its keys control messages."""
    desk = live()
    for count in range(3):
        desk.clock.now_ms += 20
        desk.stream.text(sound(STREAM, count, bytes([count]) * 160))
    desk.stream.text(key(STREAM, "5"))

    at = desk.clock() - 40
    assert caller_frames(desk) == [
        CallerFrame(1, count + 1, at + 20 * count, bytes([count]) * 160) for count in range(3)
    ]
    (letter,) = desk.outbox.sent
    assert b"5" in letter


async def test_its_echo_reaches_egress() -> None:
    """Under the name that the mark had."""
    desk = live()
    desk.receive("frame", n=1)
    desk.stream.text(second_carrier.build_mark(STREAM.encode(), "1.0.item.20"))  # As it would send it back.
    await asyncio.sleep(0)

    assert [(name.kind, value) for _, name, value in desk.told if name.kind == "echo"] == [
        ("echo", b"1.0.item.20")
    ]


def test_its_end_is_a_stop() -> None:
    """And what it says that nobody knows is counted, as garbage is."""
    desk = live()
    desk.stream.text(b'{"is":"hold"}')
    desk.stream.text(b"hello")
    desk.stream.text(goodbye(STREAM))

    assert desk.host.causes == ["stop"]
    assert (desk.sockets.faults["unknown_event"], desk.sockets.faults["not_json"]) == (1, 1)
