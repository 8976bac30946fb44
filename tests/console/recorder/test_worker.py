"""The recorder over a real Redis: takes, trims, finishes, tells; and is killed in between."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from console.recorder import worker
from console.recorder.files import Folder, Part
from console.recorder.worker import Recorder
from shared.clock import wall_ms
from shared.contract.streams.hooks import read_hook
from shared.contract.streams.tape import GROUP, TapeEntry, tape_command, tapes_commands
from shared.logs.log import get_log
from shared.sound.wav import MULAW_HEADER_BYTES
from shared.store.client import Store
from tests.console.archive.samples import end_call
from tests.console.recorder.test_placing import entry
from tests.support.redis_samples import KEYS, ONE, TWO, make_call
from tests.support.waiting import wait_until


class Time:
    """Passes when it is told to."""

    now_ms = 1_000_000.0

    def __call__(self) -> float:
        return self.now_ms


def recorder(
    store: Store, folder: Path, time: Time, *, tells: bool = True, name: str = "recorder@h"
) -> Recorder:
    return Recorder(
        store=store, keys=KEYS, folder=Folder(folder), log=get_log(), name=name, keep_days=30, tells=tells,
        clock=time,
    )  # fmt: skip


async def write(store: Store, *entries: TapeEntry, sid: str = ONE) -> None:
    for each in entries:
        await store.execute(tape_command(KEYS, sid, each, creates=each.number == 1))
        if each.number == 1:
            for command in tapes_commands(KEYS, sid):
                await store.execute(command)


async def recording(
    store: Store, folder: Path, time: Time, *entries: TapeEntry, tells: bool = True
) -> Recorder:
    """A recorder that has taken so much of a call."""
    await make_call(store, ONE, 1_000, tape="on")
    made = recorder(store, folder, time, tells=tells)
    await write(store, *entries)
    await made.round()
    return made


async def away(*_args: object, **_options: object) -> None:
    """A command that Redis does not answer."""
    raise RedisConnectionError("away")


async def pending(store: Store) -> int:
    """Of `tapes`, handed to a recorder and not settled."""
    return int((await store.redis.xpending(KEYS.tapes(0), GROUP))["pending"])


def files(folder: Path) -> dict[str, bytes]:
    """Recordings, and what is under way."""
    return {path.name: path.read_bytes() for path in folder.glob("CA*")}


def sound_in(path: Path) -> bytes:
    return path.read_bytes()[MULAW_HEADER_BYTES:]


def sound_of(*numbers: int) -> bytes:
    """That of entries of these numbers, both sides."""
    return b"".join(bytes([number]) * 8000 for number in numbers)


async def end(store: Store, sid: str = ONE) -> None:
    """Long enough ago for nothing to come any more."""
    await end_call(store, sid)
    await store.hset(KEYS.card(sid), "ended_at_ms", str(wall_ms() - 60_000))


async def test_a_call_is_recorded_and_told_of(store: Store, tmp_path: Path) -> None:
    """What it had of Redis is gone, and the user's systems are told of the file."""
    time = Time()
    made = await recording(store, tmp_path, time, entry(1), entry(2))
    await made.round()
    assert Folder(tmp_path).sound(ONE) is None, "the call goes on"
    await write(store, entry(3))
    await end(store)
    await made.round()
    time.now_ms += 10_000
    await made.round()
    assert sound_in(tmp_path / f"{ONE}.wav") == sound_of(1, 2, 3)
    assert await store.exists(KEYS.tape(ONE)) == 0
    assert await store.xlen(KEYS.tapes(0)) == 0
    assert await store.pttl(KEYS.tapes(0)) > 0
    ((_, fields),) = await store.xrange(KEYS.hooks(0))
    hook, told = read_hook(fields), Folder(tmp_path).told(ONE)
    assert told is not None
    assert (hook.event, orjson.loads(hook.details)["sha256"]) == ("call.recorded", told["sha256"])
    assert made.calls == {}


async def test_one_that_was_killed_is_gone_on_with(store: Store, tmp_path: Path) -> None:
    """By another process of the same name, which was handed nothing itself."""
    time = Time()
    first = await recording(store, tmp_path, time, entry(1))
    await first.flush()
    await write(store, entry(2))
    await first.round()  # Written, and not saved: killed here.
    second = recorder(store, tmp_path, time)
    await write(store, entry(3))
    await end(store)
    await second.round()
    time.now_ms += 10_000
    await second.round()
    assert sound_in(tmp_path / f"{ONE}.wav") == sound_of(1, 2, 3)
    told = Folder(tmp_path).told(ONE)
    assert told is not None
    assert told["silences"] == []


async def test_nothing_is_trimmed_before_it_is_on_the_disk(store: Store, tmp_path: Path) -> None:
    """And then what a listener may still want stays for ten seconds."""
    time = Time()
    made = await recording(store, tmp_path, time, entry(1), entry(2))
    assert await store.xlen(KEYS.tape(ONE)) == 2
    time.now_ms += worker.SAVE_EVERY_MS + 1
    await write(store, entry(3))
    await made.round()
    assert await store.xlen(KEYS.tape(ONE)) == 3
    assert Folder(tmp_path).part(ONE).placing.runs["a:1"].next_number == 4


async def test_a_redis_that_has_forgotten_it_ends_nothing(store: Store, tmp_path: Path) -> None:
    """The group is made again, and what is under way is finished with what there is."""
    time = Time()
    made = await recording(store, tmp_path, time, entry(1), tells=False)
    await store.delete(KEYS.tapes(0), KEYS.tape(ONE), KEYS.card(ONE))
    await made.round()
    await made.round()
    time.now_ms += worker.GONE_MS + 1
    await made.round()
    assert Folder(tmp_path).sound(ONE) is not None
    assert await store.exists(KEYS.hooks(0)) == 0


async def test_a_call_that_is_forgotten_meanwhile_leaves_nothing(store: Store, tmp_path: Path) -> None:
    """Its file is deleted under the recorder, which goes on with others."""
    time = Time()
    made = await recording(store, tmp_path, time, entry(1))
    await end(store)
    Folder(tmp_path).delete([ONE])
    time.now_ms += 10_000
    await made.round()
    assert made.calls == {}
    assert Folder(tmp_path).delete([ONE]) == 0, "nothing of it is there"
    assert await store.exists(KEYS.hooks(0)) == 0


@pytest.mark.parametrize("failing", ["execute", "delete", "xdel", "xack"])
async def test_a_finished_recording_stays_as_it_is(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Redis fails right behind its name, at each step of what follows: its last seconds, which are in Redis
    yet, are no recording of their own."""
    time = Time()
    made = await recording(store, tmp_path, time, entry(1), entry(2), entry(3))
    await store.xtrim(KEYS.tape(ONE), maxlen=1, approximate=False)
    await end(store)
    time.now_ms += 10_000
    with monkeypatch.context() as patch:
        patch.setattr(Store, failing, away)
        await made.round()
    finished = files(tmp_path)
    for _ in range(2):
        time.now_ms += 10_000
        await made.round()
    assert files(tmp_path) == finished
    assert sound_in(tmp_path / f"{ONE}.wav") == sound_of(1, 2, 3)
    assert len(await store.xrange(KEYS.hooks(0))) == 1
    assert await store.exists(KEYS.tape(ONE)) == 0
    assert (await store.xlen(KEYS.tapes(0)), await pending(store)) == (0, 0)
    assert made.calls == {}


async def test_one_that_was_killed_behind_its_name_is_told_of_and_left_alone(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its state is there yet, and is older than its last sound."""
    time = Time()
    first = await recording(store, tmp_path, time, entry(1), entry(2))
    await first.flush()
    state = (tmp_path / f"{ONE}.state").read_bytes()
    await write(store, entry(3))
    await first.round()
    await end(store)
    time.now_ms += 10_000
    with monkeypatch.context() as patch:
        patch.setattr(Store, "execute", away)
        await first.round()
    finished = files(tmp_path)
    Folder(tmp_path).put(f"{ONE}.state", state)
    second = recorder(store, tmp_path, time)
    await second.round()
    assert files(tmp_path) == finished
    assert second.calls == {}
    assert len(await store.xrange(KEYS.hooks(0))) == 1
    assert await store.exists(KEYS.tape(ONE)) == 0


async def test_what_redis_has_dropped_since_it_was_handed_over_is_settled(
    store: Store, tmp_path: Path
) -> None:
    """A recorder was killed between the two steps of settling it, or there were too many."""
    time = Time()
    await recording(store, tmp_path, time, entry(1))
    await store.xtrim(KEYS.tapes(0), maxlen=0, approximate=False)
    assert await pending(store) == 1
    await recorder(store, tmp_path, time).round()
    assert await pending(store) == 0


async def test_an_end_in_the_middle_of_a_write_saves_no_more_than_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM comes when entries are placed and their sound is not on the disk."""
    made = await recording(store, tmp_path, Time(), entry(1))
    await made.flush()
    await write(store, entry(2))
    begun, may_end = threading.Event(), threading.Event()

    def stuck(_part: Part, _patches: object) -> None:
        begun.set()
        may_end.wait(10)

    monkeypatch.setattr(Part, "write", stuck)
    task = asyncio.create_task(made.round())
    await wait_until(begun.is_set, "it writes")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await made.flush()
    may_end.set()
    assert Folder(tmp_path).part(ONE).placing.runs["a:1"].next_number == 2


async def test_a_file_that_cannot_be_written_is_one_calls_trouble(store: Store, tmp_path: Path) -> None:
    """The others go on; it is tried again later, and what Redis still has is not lost."""
    time = Time()
    made = recorder(store, tmp_path, time)
    for sid in (ONE, TWO):
        await make_call(store, sid, 1_000, tape="on")
        await write(store, entry(1), entry(2), sid=sid)
        await end(store, sid)
    (tmp_path / f"{ONE}.part").mkdir()
    with capture_logs() as logs:
        for _ in range(3):
            await made.round()
            time.now_ms += worker.AGAIN_MS + 1
    assert Folder(tmp_path).sound(TWO) is not None
    assert [log["call"] for log in logs if log["event"] == "recorder_waits"] == [ONE]
    assert made.calls.keys() == {ONE}
    (tmp_path / f"{ONE}.part").rmdir()
    with capture_logs() as logs:
        for _ in range(3):
            time.now_ms += worker.AGAIN_MS + 1
            await made.round()
    assert [log["call"] for log in logs if log["event"] == "recorder_goes_on"] == [ONE]
    assert sound_in(tmp_path / f"{ONE}.wav") == sound_of(1, 2)


async def test_a_key_that_holds_something_else_is_one_calls_trouble(store: Store, tmp_path: Path) -> None:
    time = Time()
    made = recorder(store, tmp_path, time)
    for sid in (ONE, TWO):
        await make_call(store, sid, 1_000, tape="on")
        await write(store, entry(1), sid=sid)
    await store.delete(KEYS.tape(ONE))
    await store.hset(KEYS.tape(ONE), "f", "v")
    await made.round()
    assert (tmp_path / f"{TWO}.part").exists()


async def test_a_folder_that_was_removed_is_made_again(store: Store, tmp_path: Path) -> None:
    """And a call that goes on goes on with what Redis has of it."""
    time, folder = Time(), tmp_path / "recordings"
    made = await recording(store, folder, time, entry(1))
    shutil.rmtree(folder)
    await write(store, entry(2))
    for _ in range(3):
        await made.round()
        time.now_ms += worker.AGAIN_MS + 1
    assert folder.stat().st_mode & 0o777 == 0o700
    await end(store)
    await made.round()
    assert sound_in(folder / f"{ONE}.wav") == sound_of(1, 2)


async def test_a_name_that_is_no_calls_is_no_file(store: Store, tmp_path: Path) -> None:
    made = recorder(store, tmp_path / "recordings", Time())
    await store.xadd(KEYS.tapes(0), {"v": "1", "call": "../elsewhere"})
    await made.round()
    assert made.calls == {}


@pytest.mark.parametrize("is_begun", [False, True])
async def test_a_call_that_is_forgotten_while_its_sound_is_in_hand_leaves_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_begun: bool
) -> None:
    """It just ended; the recorder has read its entries, and writes them behind the deletion."""
    time = Time()
    await make_call(store, ONE, 1_000, tape="on")
    made = recorder(store, tmp_path, time)
    await write(store, entry(1))
    if is_begun:
        await made.round()
        await made.flush()
    await write(store, entry(2))
    await end(store)
    xrange = Store.xrange

    async def xrange_and_forget(self: Store, *asked: Any, **how: Any) -> Any:
        found = await xrange(self, *asked, **how)
        await store.delete(KEYS.card(ONE), KEYS.tape(ONE))
        Folder(tmp_path).delete([ONE])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Store, "xrange", xrange_and_forget)
        await made.round()
    time.now_ms += 2 * worker.GONE_MS
    await made.round()
    assert files(tmp_path) == {}
    assert made.calls == {}
    assert await pending(store) == 0


async def test_a_call_that_goes_on_goes_on_being_recorded_whatever_was_deleted(
    store: Store, tmp_path: Path
) -> None:
    """Only those that are over are forgotten."""
    made = await recording(store, tmp_path, Time(), entry(1))
    (tmp_path / f"{ONE}.part").unlink()
    await write(store, entry(2))
    for _ in range(2):
        await made.round()
    assert sound_in(tmp_path / f"{ONE}.part") == sound_of(1, 2)


async def test_recorders_of_two_hosts_take_nothing_from_each_other(store: Store, tmp_path: Path) -> None:
    """What one was handed is pending with its own name: another one that starts leaves it alone."""
    time = Time()
    here = await recording(store, tmp_path / "here", time, entry(1))
    there = recorder(store, tmp_path / "there", time, name="recorder@elsewhere")
    await there.round()
    assert (here.calls.keys(), there.calls.keys()) == ({ONE}, set())


async def test_a_host_that_is_called_something_else_goes_on(store: Store, tmp_path: Path) -> None:
    """As a container is that was made anew: the folder is the same, and knows the name."""
    time = Time()
    await recording(store, tmp_path, time, entry(1))  # Killed before its state was saved.
    again = recorder(store, tmp_path, time, name="recorder@h2")
    await again.round()
    assert again.calls.keys() == {ONE}


async def test_an_end_by_a_clock_that_is_ahead_is_an_end(store: Store, tmp_path: Path) -> None:
    """Its recording does not wait until the card is gone, and with it whose it was."""
    time = Time()
    made = await recording(store, tmp_path, time, entry(1))
    await end(store)
    await store.hset(KEYS.card(ONE), "ended_at_ms", str(wall_ms() + worker.DAY_MS))
    time.now_ms += worker.GONE_MS + 1
    await made.round()
    told = Folder(tmp_path).told(ONE)
    assert told is not None
    assert told["agent"] == "default"
