"""The process that makes recordings of the sound that ingress writes: `trunkline recorder`.

Why it exists: sound stays in Redis for two minutes and belongs on a disk. Owns: which calls are being
recorded, the rhythm, what is trimmed when, the end of a recording, whose trouble a failure is. Must not know:
where a piece goes (placing.py), how a file is written (files.py), what is told of it (telling.py).

It may be killed at any moment: what it was handed stays pending with the name of its folder, the state on
the disk says what was read, and nothing is trimmed before that. One of them reads all lanes; a deployment has
one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from redis.exceptions import ResponseError

from console.recorder.files import Folder, Part, RecordingGone
from console.recorder.telling import hook_of, of_call
from shared.clock import now_ms, wall_ms
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.entry import after, written_ms
from shared.contract.errors import ContractError, EntryError
from shared.contract.keys import CALL_SID, CALL_TTL_MS, Keys
from shared.contract.streams.hooks import hook_commands
from shared.contract.streams.tape import GROUP, read_tape, read_taped, trim_command
from shared.contract.views import TapedView
from shared.logs.log import Log
from shared.store.client import Store, StreamEntry
from shared.store.errors import STORE_ERRORS, is_of_the_key

ROUND_S = 1.0
SAVE_EVERY_MS = 5_000.0
"""How much is read and written again after a kill."""

LISTENERS_MS = 10_000
"""What is written stays in Redis for so long: whoever listens reads it there."""

ENTRIES_MOST = 100
"""Of a call, a round: fifty seconds of sound."""

SETTLE_MS = 3_000
"""After the end of a call the last of its sound may still be on its way."""

GONE_MS = 60_000.0
"""A call whose card is not there any more, and of which nothing came for so long, is over."""

AGAIN_MS = 5_000.0
"""What is amiss with one call is tried again so much later."""

EXPIRE_EVERY_MS = 3_600_000.0
DAY_MS = 86_400_000

P = ParamSpec("P")
T = TypeVar("T")


class DiskError(Exception):
    """A file could not be read or written. Apart from OSError, which may be a connection's."""


@dataclass(slots=True)
class Taped:
    """A call that is being recorded. `part` None: it is to be read from the disk."""

    call_sid: str
    came_at_ms: float
    """When something of it came last."""
    saved_at_ms: float
    part: Part | None = None
    """None too while it is being written: the end of the process may come between its sound and its state."""
    entry_ids: list[str] = field(default_factory=list)
    """Of `tapes`, to be settled at its end."""
    is_told: bool = False
    """The user's systems were told of its recording."""
    has_failed: bool = False
    """Its last turn failed, and the log says so."""
    again_at_ms: float = float("-inf")
    """Not before then."""


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Of one deployment. `name`: by which Redis is to know it, unless the folder has one. `keep_days`: how
    long a recording is kept, 0: for ever. `tells`: whether the user's systems are told of each."""

    store: Store
    keys: Keys
    folder: Folder
    log: Log
    name: str
    keep_days: float
    tells: bool
    clock: Callable[[], float] = now_ms
    calls: dict[str, Taped] = field(default_factory=dict)
    _consumer: str = ""
    _has_begun: bool = False
    _failed: bool = False
    """The last round failed, and the log says so."""
    _expired_at_ms: float | None = None

    async def run(self) -> None:
        """Round after round. Cancelling it is as safe as a kill."""
        while True:
            is_behind = await self.round()
            if not is_behind:
                await asyncio.sleep(ROUND_S)

    async def round(self) -> bool:
        """One round; whether more is there already. Never raises for the fault of Redis or the disk: what is
        amiss with one call waits, and the others go on."""
        try:
            if not self._has_begun:
                await self._begin()
            await self._take(">")
            await self._expire()
            is_behind = False
            for taped in list(self.calls.values()):
                is_behind |= await self._look_after(taped)
        except (*STORE_ERRORS, DiskError) as error:
            if not self._failed:
                self.log.warning("recorder_waits", reason=str(error) or type(error).__name__)
            self._failed = True
            return False
        if self._failed:
            self.log.info("recorder_goes_on")
        self._failed = False
        return is_behind

    async def flush(self) -> None:
        """Before the end of the process: what is written counts as read. Never raises for the fault of the
        disk. Cancelling is safe."""
        for taped in self.calls.values():
            if taped.part is not None:
                try:
                    await _on_disk(taped.part.save)
                except (DiskError, RecordingGone) as error:
                    self._fails(taped, error)

    # Private.

    async def _begin(self) -> None:
        """What another process of this folder had."""
        await _on_disk(self.folder.make)
        self._consumer = await _on_disk(self.folder.consumer, self.name)
        for lane in range(self.keys.lanes):
            try:
                await self.store.xgroup_create(self.keys.tapes(lane), GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise
            await self.store.pexpire(self.keys.tapes(lane), CALL_TTL_MS)
        for sid in await _on_disk(self.folder.under_way):
            self._taped(sid)
        await self._take("0")
        self._has_begun = True

    async def _take(self, from_id: str) -> None:
        for lane in range(self.keys.lanes):
            key = self.keys.tapes(lane)
            try:
                found = await self.store.xreadgroup(GROUP, self._consumer, {key: from_id}, count=1000)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    raise
                self._has_begun = False  # Redis has forgotten it.
                continue
            for _, entries in found or ():
                for entry_id, fields in entries:
                    if fields:
                        self._taken(key, entry_id.decode(), fields)
                    else:  # Dropped by Redis since it was handed to us: the state on the disk knows the call.
                        await self.store.xack(key, GROUP, entry_id)

    def _taken(self, key: str, entry_id: str, fields: dict[bytes, bytes]) -> None:
        try:
            sid = read_taped(fields)
        except EntryError as error:
            self.log.error("contract_error", key=key, reason=str(error))
            return
        if CALL_SID.fullmatch(sid) is None:
            self.log.error("contract_error", key=key, reason="expected a call")
            return  # It would be the name of a file.
        self._taped(sid).entry_ids.append(entry_id)

    def _taped(self, sid: str) -> Taped:
        known = self.calls.get(sid)
        if known is None:
            self.log.info("recording", call=sid)
            now = self.clock()
            known = self.calls[sid] = Taped(sid, came_at_ms=now, saved_at_ms=now)
        return known

    async def _look_after(self, taped: Taped) -> bool:
        """What is new of one call; whether there is more. A file that cannot be written, or a key that holds
        something else, is this call's trouble alone."""
        if self.clock() < taped.again_at_ms:
            return False
        try:
            try:
                is_behind = await self._follow(taped)
            except RecordingGone:
                is_behind = await self._let_go(taped)
        except DiskError as error:
            self._fails(taped, error)
            return False
        except ResponseError as error:
            if not is_of_the_key(error):
                raise
            self._fails(taped, error)
            return False
        if taped.has_failed:
            self.log.info("recorder_goes_on", call=taped.call_sid)
        taped.has_failed = False
        return is_behind

    def _fails(self, taped: Taped, error: Exception) -> None:
        """What did not come to the disk is read again, after a while."""
        if not taped.has_failed:
            self.log.warning("recorder_waits", call=taped.call_sid, reason=str(error))
        taped.has_failed, taped.part = True, None
        taped.again_at_ms = self.clock() + AGAIN_MS

    async def _follow(self, taped: Taped) -> bool:
        """What is new of one call; whether there is more."""
        sid, now = taped.call_sid, self.clock()
        if taped.part is None:
            if await _on_disk(self.folder.sound, sid) is not None:
                # Somebody was stopped behind its name: what of it is still in Redis is in the file.
                await _on_disk(self.folder.tidy, sid)
                await self._close(taped)
                return False
            taped.part = await _on_disk(self._part, sid)
        part = taped.part
        after_id = after(part.placing.last_id)
        entries = await self.store.xrange(self.keys.tape(sid), min=after_id, count=ENTRIES_MOST)
        if entries:
            taped.came_at_ms = now
            await self._write(taped, part, entries)
        elif now - taped.came_at_ms > SETTLE_MS and await self._is_over(taped, now):
            await self._finish(taped, part)
        return len(entries) == ENTRIES_MOST

    async def _write(self, taped: Taped, part: Part, entries: Sequence[StreamEntry]) -> None:
        sid, placing, now = taped.call_sid, part.placing, self.clock()
        taped.part = None  # Until its sound is on the disk: what is placed and not written is read again.
        patches = []
        for entry_id, fields in entries:
            try:
                patches += placing.place(entry_id.decode(), read_tape(fields))
            except EntryError as error:
                self.log.error("contract_error", call=sid, reason=str(error))
                placing.last_id = entry_id.decode()
        if placing.origin_ms is None:
            taped.part = part
            return  # All of it was a listener's.
        is_first = not part.is_begun
        await _on_disk(part.write, patches)
        if is_first and (await self._card(sid))[0] is None:
            raise RecordingGone(sid)  # Somebody had it forgotten between its sound and its file.
        if now - taped.saved_at_ms >= SAVE_EVERY_MS:
            await _on_disk(part.save)
            taped.saved_at_ms = now
            keep_from = f"{max(0, written_ms(placing.last_id) - LISTENERS_MS)}-0"
            await self.store.execute(trim_command(self.keys, sid, keep_from))
        taped.part = part

    async def _let_go(self, taped: Taped) -> bool:
        """Its file was deleted. A call that goes on begins anew; one that is over has been forgotten. Whether
        there is more."""
        sid, taped.part = taped.call_sid, None
        view = await self._view(sid)
        await _on_disk(self.folder.give_up, sid)
        is_live = view is not None and view.state is not CallState.ENDED
        self.log.warning("recording_deleted", call=sid, begins_anew=is_live)
        if not is_live:
            await self._close(taped)
        return is_live

    def _part(self, sid: str) -> Part:
        self.folder.make()  # Somebody may have taken it away.
        try:
            return self.folder.part(sid)
        except ValueError as error:
            self.log.error("recording_unread", call=sid, reason=str(error), hint="it begins anew")
            self.folder.delete([sid])
            return self.folder.part(sid)

    async def _card(self, sid: str) -> list[bytes | None]:
        return await self.store.hmget(self.keys.card(sid), record.names(TapedView))

    async def _view(self, sid: str) -> TapedView | None:
        values = await self._card(sid)
        if values[0] is None:
            return None
        try:
            return record.read_values(TapedView, values)
        except ContractError as error:
            self.log.error("contract_error", call=sid, record=error.record, field=error.field)
            return None

    async def _is_over(self, taped: Taped, now: float) -> bool:
        view, is_quiet = await self._view(taped.call_sid), now - taped.came_at_ms > GONE_MS
        if view is None:
            return is_quiet
        ended_ms = view.ended_at_ms
        if view.state is not CallState.ENDED or ended_ms is None:
            return False
        return is_quiet or wall_ms() - ended_ms > SETTLE_MS  # By the clock of whoever ended it.

    async def _finish(self, taped: Taped, part: Part) -> None:
        """The recording gets its name. From here on the disk says how far it is."""
        sid, taped.part = taped.call_sid, None
        if part.placing.origin_ms is None:
            await _on_disk(self.folder.tidy, sid)
        else:
            told = await _on_disk(part.finish, of_call(sid, await self._view(sid)))
            self.log.info("recorded", call=sid, seconds=told["seconds"])
        await self._close(taped)

    async def _close(self, taped: Taped) -> None:
        """Told of, if there is a recording, then forgotten here: each may be done twice."""
        sid = taped.call_sid
        sidecar = await _on_disk(self.folder.told, sid)
        if sidecar is not None and self.tells and not taped.is_told:
            for command in hook_commands(self.keys, hook_of(sid, sidecar)):
                await self.store.execute(command)
            taped.is_told = True
        await self.store.delete(self.keys.tape(sid))
        key = self.keys.tapes(self.keys.lane(sid))
        if taped.entry_ids:
            await self.store.xdel(key, *taped.entry_ids)
            await self.store.xack(key, GROUP, *taped.entry_ids)
        self.calls.pop(sid, None)

    async def _expire(self) -> None:
        now = self.clock()
        if not self.keep_days or (
            self._expired_at_ms is not None and now - self._expired_at_ms < EXPIRE_EVERY_MS
        ):
            return
        self._expired_at_ms = now
        try:
            before_ms = wall_ms() - round(self.keep_days * DAY_MS)
            gone = await _on_disk(self.folder.expire, before_ms, frozenset(self.calls))
        except DiskError as error:
            self.log.warning("recordings_not_expired", reason=str(error))
            return
        if gone:
            self.log.info("recordings_expired", calls=gone, days=self.keep_days)


async def _on_disk(work: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Work that blocks, in a thread. Raises DiskError. Cancelled, the work goes on."""
    try:
        return await asyncio.to_thread(work, *args, **options)
    except OSError as error:
        raise DiskError(f"{error}") from error
