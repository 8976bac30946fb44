"""What a listener hears: both sides in order, from now on, for as long as they say that they listen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.listen import sound
from console.listen.sound import HELD_MS, Heard, Laying, NotToBeHeard, pieces
from ingress.tape.tracks import Tracks
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.contract.streams.control import Listen, read_message
from shared.contract.streams.tape import ENTRY_MS, Piece, TapeEntry, laid_out, samples, tape_command
from shared.store.client import Store
from tests.console.recorder.test_placing import entry
from tests.support.reading import waiting_reads
from tests.support.redis_samples import KEYS, ONE, make_living_call
from tests.support.waiting import wait_until


async def said(store: Store) -> int:
    """How often somebody has said that they listen."""
    found = [read_message(entry_id, fields) for entry_id, fields in await store.xrange(KEYS.control(ONE))]
    return sum(isinstance(each.message, Listen) for each in found)


async def write(store: Store, *numbers: int, run: str = "a:1") -> None:
    for number in numbers:
        await store.execute(tape_command(KEYS, ONE, entry(number, run=run), creates=True))


async def test_both_sides_come_in_order(store: Store) -> None:
    """What was there before is not heard; what was lost is silence, and no more of it than is missing."""
    await make_living_call(store, ONE)
    await write(store, 1)
    heard: list[Heard] = []

    async def listen() -> None:
        async for piece in pieces(store, KEYS, ONE):
            heard.append(piece)

    task = asyncio.create_task(listen())
    await wait_until(lambda: said(store), "somebody listens")
    await wait_until(lambda: waiting_reads(store, "test"), "their read stands, behind their word")
    await write(store, 2, 4)
    await write(store, 4, 5, run="b:1")
    await write(store, 9, run="c:1")
    await wait_until(lambda: len(heard) > 5, "another stream")
    await store.hset(KEYS.card(ONE), "state", "ended")
    await asyncio.wait_for(task, 5)
    two, three, four, five, nine = (bytes([code]) * 4000 for code in (2, 0xFF, 4, 5, 9))
    assert b"".join(each.caller for each in heard) == two + three + four + four + five + nine
    assert [each.heard for each in heard] == [each.caller for each in heard]


def run_of(late_ms: Sequence[int], phase_ms: float) -> list[TapeEntry]:
    """What ingress writes of a caller whose frames come by so much late, wherever its entries end."""
    tracks, entries = Tracks("a:1", 1, 1_700_000_000_000, 0.0), list[TapeEntry]()
    comes_ms, number = 0.0, 0
    for taken in range(len(late_ms) * FRAME_MS // ENTRY_MS + 3):
        at_ms = phase_ms + taken * ENTRY_MS
        while number < len(late_ms):
            comes_ms = max(comes_ms, number * FRAME_MS + late_ms[number])
            if comes_ms > at_ms:
                break
            number += 1
            tracks.caller(number, frame(number), comes_ms)
            tracks.given(frame(number + 1), comes_ms + 0.3)
        entries.append(tracks.take(at_ms, uses="l", way_ms=0))
    return entries


def frame(number: int) -> bytes:
    return bytes([number % 250]) * FRAME_BYTES


def given_on(entries: Sequence[TapeEntry]) -> tuple[bytes, bytes]:
    """Both sides as they are heard."""
    laying = Laying()
    heard = [piece for entry in entries for piece in laying.take(entry)] + laying.rest()
    assert all(len(each.caller) == len(each.heard) > 0 for each in heard)
    return b"".join(each.caller for each in heard), b"".join(each.heard for each in heard)


@given(
    st.lists(st.integers(0, HELD_MS - FRAME_MS), min_size=60, max_size=100).map(lambda late: [0, *late]),
    st.floats(1.0, 499.0),
)
def test_a_listener_misses_nothing_wherever_entries_end(late_ms: list[int], phase_ms: float) -> None:
    """Frames reach over an entry's end, and come behind it; each is heard once, in its place."""
    entries = run_of(late_ms, phase_ms)
    caller, heard = given_on(entries)
    assert len(caller) == samples(entries[-1].to_ms)
    said = b"".join(frame(number) for number in range(1, len(late_ms) + 1))
    assert caller == said.ljust(len(caller), b"\xff")
    pieces = [piece for entry in entries for piece in entry.heard]
    assert heard == laid_out(pieces, 0, len(heard))


def test_what_was_kept_out_is_not_heard_where_it_comes_late() -> None:
    """Behind a pause nothing of it is given on, though a frame of it stands in the next entry."""
    late = entry(2, skipped_ms=500, caller=(Piece(900 * 8, b"\x09" * 1600),))
    caller, _ = given_on([entry(1, pauses=True), late])
    assert caller == b"\x01" * 4000 + b"\xff" * 4000 + b"\x09" * 800 + b"\xff" * 3200


def test_what_was_written_twice_is_heard_once() -> None:
    """Its writer did not hear that it was; and a listener who is far behind hears the call as it is now."""
    far = entry(3, skipped_ms=60_000)
    caller, _ = given_on([entry(1), entry(1), entry(2), entry(1), far])
    assert caller == b"\x01" * 4000 + b"\x02" * 4000 + b"\x03" * 4000


async def test_it_is_said_again_in_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "RENEW_MS", 100.0)
    monkeypatch.setattr(sound, "BLOCK_MS", 50)
    await make_living_call(store, ONE)

    is_over = False

    async def listen() -> None:
        async for _ in pieces(store, KEYS, ONE, lambda: not is_over):
            pass

    task = asyncio.create_task(listen())

    async def often() -> bool:
        return await said(store) > 2

    await wait_until(often, "it is said again")
    is_over = True
    await asyncio.wait_for(task, 5)


async def test_a_call_that_is_over_cannot_be_listened_to(store: Store) -> None:
    with pytest.raises(NotToBeHeard):
        async for _ in pieces(store, KEYS, ONE):
            pass
