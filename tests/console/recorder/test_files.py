"""The folder of recordings: whole files for nobody else's eyes, and nothing that outlives its time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from console.recorder.files import Folder, RecordingGone
from console.recorder.placing import GAP_MOST_MS, Patch
from shared.contract.streams.tape import Piece
from shared.mulaw import decode
from shared.sound.wav import MULAW_HEADER_BYTES, read_wav
from tests.console.recorder.test_placing import WALL, entry, place

ONE, TWO = "CA" + "1" * 32, "CA" + "2" * 32
TAG = "a" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "recordings")
    made.make()
    return made


def record(folder: Folder, sid: str, **told: object) -> Path:
    """A whole recording of a second."""
    part = folder.part(sid)
    part.write(place(part.placing, entry(1), entry(2)))
    part.save()
    part.finish({"call_sid": sid, **told})
    path = folder.sound(sid)
    assert path is not None
    return path


def test_a_recording_is_a_wav_of_two_channels(folder: Folder) -> None:
    """That any player reads; the sidecar knows its hash."""
    path = record(folder, ONE)
    found = read_wav(path.read_bytes())
    assert found.rate_hz == 8000
    one, two = (decode(bytes([code]))[0] for code in (1, 2))
    assert list(found.samples) == [one] * 4000 + [two] * 4000
    told = folder.told(ONE)
    assert told is not None
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (told["seconds"], told["channels"]) == (1.0, ["caller as received", "heard by the caller"])
    assert folder.under_way() == []


def test_the_newest_are_listed_first(folder: Folder) -> None:
    """As many as are asked for; a sidecar that cannot be read hides none, and nothing else is one."""
    for age_s, sid in enumerate((ONE, TWO)):
        os.utime(record(folder, sid, agent="sales"), (1_000 - age_s, 1_000 - age_s))
    (folder.path / "CAx.wav").touch()
    assert [sid for sid, _ in folder.newest(9)] == [ONE, TWO]
    assert [(sid, told["agent"]) for sid, told in folder.newest(1)] == [(ONE, "sales")]
    (folder.path / f"{TWO}.json").write_text("{", "utf-8")
    assert folder.newest(9, TWO[-8:]) == [(TWO, {})]
    assert Folder(folder.path / "nowhere").newest(9) == []


def test_nobody_else_may_read_it(folder: Folder) -> None:
    record(folder, ONE)
    part = folder.part(TWO)
    part.write([])
    part.save()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.path.iterdir()} == {0o600}


def test_silence_is_no_click(folder: Folder) -> None:
    """Where there is no sound is µ-law's own silence."""
    part = folder.part(ONE)
    part.placing.end_ms = 100
    part.write([Patch(channel=1, piece=Piece(400, b"\x11" * 8))])
    sound = (folder.path / f"{ONE}.part").read_bytes()[MULAW_HEADER_BYTES:]
    assert sound[::2] == b"\xff" * 800
    assert sound[1::2] == b"\xff" * 400 + b"\x11" * 8 + b"\xff" * 392


def test_a_recorder_that_was_killed_goes_on(folder: Folder) -> None:
    """With what the state says; what was written behind it is written again, to the same place."""
    part = folder.part(ONE)
    part.write(place(part.placing, entry(1)))
    part.save()
    part.write(place(part.placing, entry(2), first_id=2))  # Killed before this was saved.
    assert folder.under_way() == [ONE]
    again = folder.part(ONE)
    assert again.placing.last_id == "1-0"
    again.write(place(again.placing, entry(2), entry(3), first_id=2))
    again.finish({})
    sound = (folder.path / f"{ONE}.wav").read_bytes()[MULAW_HEADER_BYTES:]
    assert sound == b"".join(bytes([n]) * 8000 for n in (1, 2, 3))


def test_one_that_was_killed_while_it_finished_finishes_again(folder: Folder) -> None:
    """Before the file had its name, and after it."""
    part = folder.part(ONE)
    part.write(place(part.placing, entry(1)))
    part.save()
    folder.put(f"{ONE}.json", b"{}")
    folder.part(ONE).finish({"agent": "sales"})
    told = folder.told(ONE)
    assert told is not None
    assert told["agent"] == "sales"
    folder.put(f"{ONE}.state", part.placing.dump())
    with pytest.raises(RecordingGone):
        folder.part(ONE).finish({})
    folder.give_up(ONE)
    assert folder.sound(ONE) is not None
    folder.tidy(ONE)
    assert folder.under_way() == []
    assert folder.sound(ONE) is not None


def test_a_caller_is_found_by_tag_or_number(folder: Folder) -> None:
    record(folder, ONE, caller_tag=TAG)
    record(folder, TWO, caller_tag="", **{"from": "+15550006789"})
    assert folder.of_caller([TAG], "+15550000000") == [ONE]
    assert folder.of_caller([], "+15550006789") == [TWO]


def test_what_is_old_goes_and_nothing_else(folder: Folder) -> None:
    record(folder, ONE, ended_at_ms=1_000)
    record(folder, TWO, ended_at_ms=3_000)
    assert folder.expire(2_000) == 1
    assert (folder.sound(ONE), folder.told(ONE)) == (None, None)
    assert folder.sound(TWO) is not None


def test_deleting_takes_all_of_a_call(folder: Folder) -> None:
    """What is under way too; a name that is no call's deletes nothing."""
    record(folder, ONE)
    part = folder.part(TWO)
    part.write([])
    part.save()
    (folder.path.parent / "other.wav").write_bytes(b"x")
    assert folder.delete([ONE, TWO, "../other", "CA" + "3" * 32]) == 2
    assert list(folder.path.iterdir()) == []
    assert (folder.path.parent / "other.wav").exists()


@pytest.mark.parametrize("sid", ["../calls", "CA1", "", "CA" + "1" * 31 + "/"])
def test_only_calls_have_recordings(folder: Folder, sid: str) -> None:
    """A name comes from a URL."""
    assert (folder.sound(sid), folder.told(sid)) == (None, None)


def test_a_sidecar_that_cannot_be_read_is_passed_over(folder: Folder) -> None:
    record(folder, ONE, ended_at_ms=1)
    (folder.path / f"{TWO}.json").write_bytes(orjson.dumps([1]))
    assert folder.expire(2) == 1


def test_sound_that_ends_behind_its_entry_is_not_cut(folder: Folder) -> None:
    """A frame stands where it belongs, and an entry ends where its time is over: in the middle of one."""
    part = folder.part(ONE)
    early = replace(entry(1), to_ms=495)
    late = replace(entry(2), from_ms=495)
    part.write(place(part.placing, early))
    part.write(place(part.placing, late, first_id=2))
    part.finish({})
    sound = (folder.path / f"{ONE}.wav").read_bytes()[MULAW_HEADER_BYTES:]
    assert sound == b"\x01" * 8000 + b"\x02" * 8000


@pytest.mark.parametrize("step", ["write", "save", "finish"])
def test_what_was_deleted_is_not_made_again(folder: Folder, step: str) -> None:
    """Somebody had the caller forgotten while their sound was being written."""
    part = folder.part(ONE)
    part.write(place(part.placing, entry(1)))
    part.save()
    folder.delete([ONE])
    steps: dict[str, Callable[[], object]] = {
        "write": lambda: part.write(place(part.placing, entry(2), first_id=2)),
        "save": part.save,
        "finish": lambda: part.finish({"caller_tag": TAG}),
    }
    with pytest.raises(RecordingGone):
        steps[step]()
    assert list(folder.path.iterdir()) == []


def test_what_is_deleted_while_it_gets_its_name_is_gone(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sidecar, with who the caller was, comes behind the deletion, and goes again."""
    part = folder.part(ONE)
    part.write(place(part.placing, entry(1)))
    put = Folder.put

    def put_late(self: Folder, name: str, data: bytes) -> None:
        self.delete([ONE])
        put(self, name, data)

    monkeypatch.setattr(Folder, "put", put_late)
    with pytest.raises(RecordingGone):
        part.finish({"caller_tag": TAG})
    assert list(folder.path.iterdir()) == []


def test_nothing_is_made_for_a_call_without_sound(folder: Folder) -> None:
    folder.part(ONE).save()
    assert list(folder.path.iterdir()) == []


def test_what_was_moved_or_is_missing_is_in_the_sidecar(folder: Folder) -> None:
    """A lost beginning, and a silence that is shorter than it was."""
    part = folder.part(ONE)
    day_ms = 86_400_000
    later = entry(1, run="b:1", wall_ms=WALL + day_ms, leg=2)
    part.write(place(part.placing, entry(3), later))
    told = part.finish({})
    assert (folder.path / f"{ONE}.wav").stat().st_size == MULAW_HEADER_BYTES + 16 * (GAP_MOST_MS + 1_000)
    assert told["silences"] == [
        {"at_ms": 0, "ms": 0, "why": "lost", "was_ms": 1_000},
        {"at_ms": 500, "ms": GAP_MOST_MS, "why": "stream", "was_ms": day_ms - 1_500},
    ]
    assert told["legs"] == [
        {"leg": 1, "at_ms": 0, "way_ms": 0, "moved_ms": 0},
        {"leg": 2, "at_ms": GAP_MOST_MS + 500, "way_ms": 0, "moved_ms": GAP_MOST_MS + 1_500 - day_ms},
    ]


def test_whatever_nobody_will_finish_goes_by_its_age(folder: Folder) -> None:
    """Sound without a state, a file that was not put in its place, a sidecar that says nothing; what is under
    way stays, and so does what is young."""
    left = {
        f"{ONE}.part",
        f"{TWO}.json.new",
        f"CA{'3' * 32}.wav",
        f"CA{'3' * 32}.json",
        f"CA{'4' * 32}.state",
    }
    stays = {f"CA{'5' * 32}.part", f"CA{'6' * 32}.part", "CA-notes.txt", "consumer"}
    for name in left | stays:
        (folder.path / name).write_bytes(b"x")
        os.utime(folder.path / name, (1_000, 1_000))
    os.utime(folder.path / f"CA{'6' * 32}.part", (3_000, 3_000))
    assert folder.expire(2_000_000, {"CA" + "5" * 32}) == 4
    assert {path.name for path in folder.path.iterdir()} == stays


def test_what_cannot_be_deleted_keeps_nothing_else(folder: Folder) -> None:
    (folder.path / f"{ONE}.part").mkdir()
    os.utime(folder.path / f"{ONE}.part", (1, 1))
    record(folder, TWO, ended_at_ms=1_000)
    with pytest.raises(OSError, match="part"):
        folder.expire(2_000)
    assert folder.sound(TWO) is None


def test_a_folder_keeps_the_first_name_it_was_given(folder: Folder) -> None:
    """One that was left empty takes the next."""
    assert [folder.consumer(name) for name in ("recorder@a", "recorder@b")] == ["recorder@a"] * 2
    (folder.path / "consumer").write_bytes(b"")
    assert folder.consumer("recorder@c") == "recorder@c"
