"""How brain and egress take new calls: one at a time, and only with a free slot.

Why it exists: pulling is admission. A worker that is full or draining does not read, so the call goes to
one that has room, without anybody measuring load.

Owns: the consumer group on `calls`, the blocking read, the CLAIM. Must not know: what a role does with
the call it gets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from redis.exceptions import ResponseError

from shared import resp
from shared.contract.card import Owners
from shared.contract.errors import ContractError, EntryError
from shared.contract.scripts import Answer
from shared.contract.steps import Claim
from shared.contract.streams.calls import read_call
from shared.ownership import steps
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS, LinkLost
from shared.store.link import RedisLink, ReplyError, open_link

BLOCK_MS = 500
BLOCK_MARGIN_S = 2.0
ABANDONED_MS = 1000
"""An entry that another worker was handed and has not claimed for this long is taken over."""

FULL_PAUSE_S = 0.05
RETRY_PAUSE_S = 0.3

OnCall = Callable[[str, Claim], None]
"""Called with each call that is now ours; it starts the work and returns."""


class Dispatch:
    """Takes calls of one lane for a role."""

    def __init__(self, process: Process, lane: int, *, has_slot: Callable[[], bool], on_call: OnCall) -> None:
        self._process = process
        self._role = process.worker.role
        self._key = process.keys.calls(lane)
        self._task = f"dispatch-{lane}"
        self._has_slot = has_slot
        self._on_call = on_call

    async def run(self) -> None:
        """Takes calls until the process drains. What it was handed and did not take, others take: cancelling
        it is safe."""
        process = self._process
        while not process.draining:
            link: RedisLink | None = None
            try:
                await self._make_group()
                link = await open_link(process.settings.redis_url, name=f"{process.name}:calls")
                await self._take(link)
            except STORE_ERRORS as error:
                process.redis_fails(self._task, f"{type(error).__name__}: {error}")
                await asyncio.sleep(RETRY_PAUSE_S)
            finally:
                if link is not None:
                    link.close()

    async def _make_group(self) -> None:
        try:
            await self._process.store.xgroup_create(self._key, self._role, id="0", mkstream=True)
        except ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    async def _take(self, link: RedisLink) -> None:
        name = self._process.name.encode()
        group = [b"GROUP", self._role.encode(), name]
        key = self._key.encode()
        read = resp.pack(
            [b"XREADGROUP", *group, b"COUNT", b"1", b"BLOCK", b"%d" % BLOCK_MS, b"STREAMS", key, b">"]
        )
        abandoned = resp.pack(
            [b"XAUTOCLAIM", key, self._role.encode(), name, b"%d" % ABANDONED_MS, b"0", b"COUNT", b"1"]
        )
        while not self._process.draining:
            if not self._has_slot():
                self._process.redis_works(self._task)  # As far as is known: its link has been opened.
                await asyncio.sleep(FULL_PAUSE_S)
                continue
            reply = _checked(await link.ask(read, timeout_s=BLOCK_MS / 1000 + BLOCK_MARGIN_S))
            self._process.redis_works(self._task)
            entries = (
                reply[0][1] if reply else _checked(await link.ask(abandoned, timeout_s=BLOCK_MARGIN_S))[1]
            )
            for entry_id, fields in entries:
                if fields and not self._process.draining:
                    await self._claim(entry_id.decode(), fields)

    async def _claim(self, entry_id: str, fields: list[bytes]) -> None:
        process = self._process
        try:
            call_sid = read_call(fields)
        except EntryError as error:
            process.log.error("bad_calls_entry", entry_id=entry_id, reason=str(error))
            await process.store.xdel(self._key, entry_id)
            return
        claim = await claim_free(process, call_sid, entry_id=entry_id)
        if claim is not None:
            self._on_call(call_sid, claim)


async def claim_free(process: Process, call_sid: str, *, entry_id: str = "") -> Claim | None:
    """Claims our role of a call that nobody has; None if it was refused, or if its card cannot be read.
    Raises STORE_ERRORS.

    Cancelling it leaves it unknown: it may have been claimed, and the claim is simply repeated.
    """
    role = process.worker.role
    try:
        # A card that ingress wrote again has epochs: what it says is what CLAIM compares.
        owners = await steps.read_view(process.store, process.keys, call_sid, Owners)
    except ContractError as error:
        # One spoilt card must not end a worker with all its calls.
        process.ownership.contract_errors += 1
        process.log.error(
            "contract_error", call=call_sid, record=error.record, field=error.field, reason=str(error)
        )
        return None
    claim = await steps.claim(
        process.store,
        process.keys,
        call_sid,
        role=role,
        worker=process.name,
        expected_epoch=0 if owners is None else owners.of(role)[1],
        entry_id=entry_id,
    )
    if claim.answer is not Answer.OK:
        process.ownership.claims_refused += 1
        return None
    process.ownership.claims += 1
    return claim


async def claim_restored(process: Process, call_sid: str) -> Claim | None:
    """Claims our role of a call that Redis had lost and ingress has written again in our name; None if its
    card names another, or nobody. Raises STORE_ERRORS and ContractError.

    Cancelling it leaves nothing undone: the card names us all the same.
    """
    owners = await steps.read_view(process.store, process.keys, call_sid, Owners)
    is_ours = owners is not None and owners.of(process.worker.role)[0] == process.name
    return await claim_free(process, call_sid) if is_ours else None


# Private.


def _checked(reply: Any) -> Any:
    if isinstance(reply, ReplyError):
        # NOGROUP after a FLUSHALL, UNBLOCKED after a DEL: begin again, from the group's creation.
        raise LinkLost(f"Redis refused a dispatch read: {reply}")
    return reply
