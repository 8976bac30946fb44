"""Words that are typed while the call goes on."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.trial.typed import MAX_WAITING, Lines, Said, TypedCaller
from simulators.twilio.caller.clip import Clip
from simulators.twilio.caller.conduct import Caller, EndCall
from simulators.twilio.caller.plan import CallPlan
from tests.support.waiting import wait_until

CLIP = Clip(b"\x10" * 480, "clip")


@dataclass
class Ear:
    """What is heard."""

    playing: bool = False
    reply_number: int = 0
    quiet_since_ms: float = 0.0

    def reply_played_ms(self, now_ms: float) -> float:
        return 0.0


class Talk:
    """A caller and their clock."""

    def __init__(self, *, in_turn: bool) -> None:
        self.written: list[str] = []
        self.begun = 0
        self.ear = Ear()
        self.now_ms = 0.0
        self.typed = TypedCaller(write=self.written.append, in_turn=in_turn, begun=self.count)
        self.caller = Caller(CallPlan(self.typed.steps()), 0.0)

    def count(self) -> None:
        self.begun += 1

    def goes_on(self, ms: float) -> list[object]:
        did: list[object] = []
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms:
            self.now_ms += 20
            did += self.caller.tick(self.now_ms, self.ear)
            frame = self.caller.take_frame()
            if frame is not None and frame.first:
                did.append(frame.clip.name)
        return did


def test_a_line_is_said_when_it_is_typed() -> None:
    """Also into what the agent says; without a voice it is written. At the end the caller hangs up."""
    talk = Talk(in_turn=False)
    assert talk.goes_on(60_000) == []
    talk.ear.playing = True
    talk.typed.add(Said("hello", CLIP))
    assert talk.goes_on(100) == ["clip"]
    talk.typed.add(Said("anybody?", None))
    assert talk.goes_on(100) == []
    assert (talk.written, talk.begun) == (["anybody?"], 2)
    talk.typed.end()
    assert talk.goes_on(40) == [EndCall()]


def test_lines_of_a_file_wait_for_the_reply_to_the_one_before() -> None:
    """And the caller for the last one, before they hang up."""
    talk = Talk(in_turn=True)
    talk.typed.add(Said("hello", CLIP))
    talk.typed.end()
    assert talk.goes_on(1000) == []
    talk.ear.reply_number, talk.ear.playing = 1, True
    assert talk.goes_on(1000) == []
    talk.ear.playing, talk.ear.quiet_since_ms = False, talk.now_ms
    assert talk.goes_on(1000) == ["clip"]
    talk.ear.reply_number, talk.ear.quiet_since_ms = 2, talk.now_ms
    assert talk.goes_on(1000) == [EndCall()]


class Taken:
    """What was read."""

    def __init__(self, descriptor: int) -> None:
        self.lines: list[str] = []
        self.is_over = False
        self.source = Lines(descriptor, self.lines.append, self.end)

    def end(self) -> None:
        self.is_over = True


async def test_lines_come_as_they_are_typed() -> None:
    """In pieces too; blank ones are none; the end is told once."""
    reads, writes = os.pipe()
    taken = Taken(reads)
    taken.source.open()
    os.write(writes, "  Hello\n\nשל".encode())
    await wait_until(lambda: taken.lines == ["Hello"], "the first line was read")
    os.write(writes, "ום\nlast".encode())
    await wait_until(lambda: taken.lines == ["Hello", "שלום"], "the second line was read")
    os.close(writes)
    await wait_until(lambda: taken.is_over, "the end was told")
    assert taken.lines == ["Hello", "שלום", "last"]
    taken.source.close()
    os.close(reads)


async def test_who_types_ahead_waits() -> None:
    """Nothing is read while much is still to be said."""
    reads, writes = os.pipe()
    taken = Taken(reads)
    taken.source.open()
    os.write(writes, b"x\n" * MAX_WAITING)
    await wait_until(lambda: len(taken.lines) == MAX_WAITING, "the first were read")
    os.write(writes, b"y\n")
    await asyncio.sleep(0)
    assert "y" not in taken.lines
    taken.source.one_less()
    await wait_until(lambda: "y" in taken.lines, "there was room for one more")
    taken.source.close()
    os.close(writes)
    os.close(reads)


@pytest.mark.parametrize("text", ["one\ntwo\n", "one\ntwo", "one\n" + "two\n" * 1])
async def test_a_file_is_read_at_once(text: str, tmp_path: Path) -> None:
    """It has no moment at which it could be read."""
    (tmp_path / "lines").write_text(text, "utf-8")
    descriptor = os.open(tmp_path / "lines", os.O_RDONLY)
    taken = Taken(descriptor)
    taken.source.open()
    assert (taken.lines, taken.is_over) == (["one", "two"], True)
    taken.source.one_less()
    taken.source.close()
    os.close(descriptor)
