"""The folder of recordings: one sound and one sidecar a call, and what is being written.

Why it exists: what was recorded must survive the end of any process in the middle of a write, and must be
found again by whoever shows, downloads or deletes it. Owns: names of files, their modes, the order of writes,
when a recording is too old. Every function blocks: it is called in a thread. Must not know: Redis, where a
piece goes (placing.py).

`SID.wav` and `SID.json` are a recording; `SID.part` and `SID.state` are one under way; `consumer` is the name
of whoever writes here. The state is written behind the sound that it tells of, and a finished recording gets
its name last.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import orjson

from console.recorder.placing import Patch, Placing, Span
from shared.audio import SILENCE_BYTE
from shared.contract.keys import CALL_SID
from shared.contract.streams.tape import samples
from shared.sound.wav import MULAW_HEADER_BYTES, mulaw_header

CHANNELS = 2
FOLDER_MODE, FILE_MODE = 0o700, 0o600
CHUNK_BYTES = 1 << 20
CONSUMER_FILE = "consumer"
SILENCE = bytes([SILENCE_BYTE]) * CHUNK_BYTES

UNDER_WAY = ("state.new", "state", "part", "json.new")
ENDINGS = (*UNDER_WAY, "json", "wav")
"""Of all files of a call, in the order in which they are deleted: as they come to be, so that whoever makes
the next one of them meanwhile is met by its deletion, or finds the one before gone."""

Told = Mapping[str, object]
"""A sidecar, as JSON has it."""


class RecordingGone(Exception):
    """The sound of a recording under way is not there any more: somebody has deleted it."""


@dataclass(slots=True)
class Part:
    """A recording under way. `is_begun`: its sound is on the disk; it is made once, so that what is deleted
    stays so."""

    folder: Folder
    call_sid: str
    placing: Placing
    is_begun: bool

    def write(self, patches: Sequence[Patch]) -> None:
        """Puts sound where it belongs, and silence wherever there is none up to the end. Raises
        RecordingGone, OSError."""
        # An entry ends on a whole ms, and its sound on a sample.
        n_samples = max([samples(self.placing.end_ms), *(patch.piece.end for patch in patches)])
        with self._open() as file:
            size = file.seek(0, os.SEEK_END)
            if size < MULAW_HEADER_BYTES:
                file.write(bytes(MULAW_HEADER_BYTES - size))
                size = MULAW_HEADER_BYTES
            wanted = MULAW_HEADER_BYTES + CHANNELS * n_samples
            while size < wanted:
                size += file.write(SILENCE[: wanted - size])
            for patch in patches:
                _mix(file, patch)

    def save(self) -> None:
        """Keeps how far it has come, once its sound is on the disk. Raises RecordingGone, OSError."""
        if not self.is_begun:
            return
        with self._open() as file:
            os.fdatasync(file.fileno())
        self.folder.put(f"{self.call_sid}.state", self.placing.dump())

    def finish(self, told: Told) -> Told:
        """The recording is over: `told` is what its sidecar says beside what is known here. Returns all of
        it. Raises RecordingGone, OSError."""
        path = self.folder.path / f"{self.call_sid}.part"
        n_samples = samples(self.placing.end_ms)
        with self._open() as file:
            file.truncate(MULAW_HEADER_BYTES + CHANNELS * n_samples)
            file.write(mulaw_header(CHANNELS, n_samples))
            file.flush()
            os.fsync(file.fileno())
        try:
            sidecar = {**told, **_of_sound(self.placing), "sha256": _sha256(path)}
            self.folder.put(f"{self.call_sid}.json", orjson.dumps(sidecar, option=orjson.OPT_INDENT_2))
            path.rename(self.folder.path / f"{self.call_sid}.wav")
        except FileNotFoundError:
            self.folder.give_up(self.call_sid)  # The sidecar too, which may have come behind the deletion.
            raise RecordingGone(self.call_sid) from None
        self.folder.tidy(self.call_sid)
        return sidecar

    # Private.

    def _open(self) -> BinaryIO:
        flags = os.O_RDWR if self.is_begun else os.O_RDWR | os.O_CREAT | os.O_TRUNC
        try:
            handle = os.open(self.folder.path / f"{self.call_sid}.part", flags, FILE_MODE)
        except FileNotFoundError:
            if not self.is_begun:
                raise  # It is the folder that is not there.
            raise RecordingGone(self.call_sid) from None
        self.is_begun = True
        return os.fdopen(handle, "r+b")


@dataclass(frozen=True, slots=True)
class Folder:
    """All recordings of one deployment, on this host."""

    path: Path

    def make(self) -> None:
        """Is there from now on, and nobody else looks into it. Raises OSError."""
        self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self.path.chmod(FOLDER_MODE)

    def consumer(self, name: str) -> str:
        """By which name Redis knows whoever writes here: the first `name` that was proposed. What that one
        was handed is for its successor here, also where the host is called something else by then. Raises
        OSError."""
        path = self.path / CONSUMER_FILE
        found = path.read_text("utf-8", "replace").strip() if path.exists() else ""
        if not found:
            self.put(CONSUMER_FILE, name.encode())
        return found or name

    def under_way(self) -> list[str]:
        """Calls whose recording was begun and not finished. Raises OSError."""
        return sorted(path.stem for path in self.path.glob("CA*.state") if CALL_SID.fullmatch(path.stem))

    def part(self, call_sid: str) -> Part:
        """The recording of a call, from where it stands. Raises OSError; ValueError for a state that cannot
        be read."""
        state = self.path / f"{call_sid}.state"
        if state.exists():
            return Part(self, call_sid, Placing.load(state.read_bytes()), is_begun=True)
        return Part(self, call_sid, Placing(), is_begun=False)

    def sound(self, call_sid: str) -> Path | None:
        """The finished recording of a call; None: there is none."""
        if CALL_SID.fullmatch(call_sid) is None:
            return None
        path = self.path / f"{call_sid}.wav"
        return path if path.is_file() else None

    def told(self, call_sid: str) -> Told | None:
        """Its sidecar; None: there is none that can be read."""
        if CALL_SID.fullmatch(call_sid) is None:
            return None
        try:
            found = orjson.loads((self.path / f"{call_sid}.json").read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def newest(self, most: int, wanted: str = "") -> list[tuple[str, Told]]:
        """Finished recordings in whose SID `wanted` is, each with its sidecar, the newest first; one whose
        sidecar cannot be read has an empty one."""
        found = []
        for path in self.path.glob("CA*.wav"):
            if CALL_SID.fullmatch(path.stem) and wanted in path.stem:
                with contextlib.suppress(FileNotFoundError):  # Deleted meanwhile.
                    found.append((path.stat().st_mtime, path.stem))
        return [(sid, self.told(sid) or {}) for _, sid in sorted(found, reverse=True)[:most]]

    def of_caller(self, tags: Collection[str], number: str) -> list[str]:
        """Recordings of one caller: by tags of theirs, or by the number in full where it is not masked."""
        return [
            sid for sid, told in self._all() if told.get("caller_tag") in tags or told.get("from") == number
        ]

    def expire(self, before_ms: int, under_way: Collection[str] = ()) -> int:
        """Deletes recordings of calls that ended before, and whatever else of a call is as old: nobody will
        finish it. Those under way stay. Returns how many calls; raises OSError once all others are gone."""
        count = 0
        failure: OSError | None = None
        for sid in sorted({path.name.partition(".")[0] for path in self.path.glob("CA*")} - {*under_way}):
            try:
                if CALL_SID.fullmatch(sid) and self._last_ms(sid, before_ms) < before_ms:
                    count += self.delete([sid])
            except OSError as error:
                failure = error
        if failure is not None:
            raise failure
        return count

    def tidy(self, call_sid: str) -> None:
        """What is left of a recording under way, where one is finished, or was none. Raises OSError."""
        self._unlink(call_sid, UNDER_WAY)

    def give_up(self, call_sid: str) -> None:
        """What is left of a recording whose sound was deleted under way; a finished one stays. Raises
        OSError."""
        if self.sound(call_sid) is None:
            self.delete([call_sid])

    def delete(self, call_sids: Iterable[str]) -> int:
        """Deletes recordings, and what is under way of these calls; returns how many there were. Raises
        OSError."""
        return sum(self._unlink(sid, ENDINGS) for sid in call_sids if CALL_SID.fullmatch(sid))

    def put(self, name: str, data: bytes) -> None:
        """A small file, whole or not at all. Raises OSError."""
        beside = self.path / f"{name}.new"
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(self.path / name)

    # Private.

    def _last_ms(self, call_sid: str, unknown_ms: int) -> int:
        """When the call ended; where no sidecar says so, when something of it was written last."""
        told = self.told(call_sid)
        ended_ms = None if told is None else told.get("ended_at_ms") or told.get("recorded_from_ms")
        if isinstance(ended_ms, int):
            return ended_ms
        paths = [self.path / f"{call_sid}.{ending}" for ending in ENDINGS]
        written = [path.stat().st_mtime * 1000 for path in paths if path.exists()]
        return round(max(written, default=unknown_ms))

    def _unlink(self, call_sid: str, endings: Iterable[str]) -> bool:
        """Whether any was there."""
        was_there = False
        for ending in endings:
            path = self.path / f"{call_sid}.{ending}"
            was_there |= path.exists()
            path.unlink(missing_ok=True)
        return was_there

    def _all(self) -> Iterator[tuple[str, Told]]:
        for path in sorted(self.path.glob("CA*.json")):
            told = self.told(path.stem)
            if told is not None:
                yield path.stem, told


# Private.


def _mix(file: BinaryIO, patch: Patch) -> None:
    """One channel of a stretch is written, the other one stays."""
    audio, at = patch.piece.audio, MULAW_HEADER_BYTES + CHANNELS * patch.piece.at
    file.seek(at)
    both = bytearray(file.read(CHANNELS * len(audio)))
    both[patch.channel :: CHANNELS] = audio[: len(both) // CHANNELS]
    file.seek(at)
    file.write(both)


def _of_sound(placing: Placing) -> Told:
    return {
        "seconds": round(placing.end_ms / 1000, 3),
        "recorded_from_ms": placing.origin_ms,
        "form": "WAV, µ-law, 8000 Hz",
        "channels": ["caller as received", "heard by the caller"],
        "legs": [asdict(leg) for leg in placing.legs],
        "silences": [_silence(span) for span in placing.spans],
        "lost_frames": placing.lost_frames,
    }


def _silence(span: Span) -> Told:
    told = asdict(span)
    if span.was_ms is None:
        del told["was_ms"]
    return told


def _sha256(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            made.update(chunk)
    return made.hexdigest()
