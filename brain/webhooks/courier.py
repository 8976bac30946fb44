"""Brings webhooks to the user's own systems, from a stream, as often as it takes.

Why it exists: their endpoint may be slow or away; no call may wait for it, and no event may be lost with a
process. Owns: the consumer group on `hooks`, one delivery at a time for each event, the retries. An attempt
that failed is written back with its due time, so that all there is to know stands in Redis: where a courier
dies, any other goes on. Must not know: the calls, the audio path.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace

import httpx
from redis.exceptions import ResponseError

from brain.memory.recall import read_entries
from brain.signing import signed_headers
from brain.tools.http import around_proxy
from brain.trust_store import for_requests
from brain.webhooks import events
from brain.webhooks.events import Story
from shared.clock import now_ms, wall_ms
from shared.contract import card, record, writes
from shared.contract.errors import ContractError, EntryError
from shared.contract.streams.hooks import GROUP, Event, Hook, read_hook
from shared.contract.views import StoryView
from shared.ownership import steps
from shared.ownership.counters import Where
from shared.process.role import Process
from shared.store.errors import STORE_ERRORS

POLL_S = 1.0
TIMEOUT_S = 5.0
AT_ONCE = 4
MAX_HELD = 500
"""Events of one lane in this process's hands; the others wait in Redis."""

ABANDONED_MS = 60_000
"""An event in the hands of a courier that has not shown itself for this long is taken over."""

SHOW_EVERY_MS = 20_000.0
"""Deliveries go on in batches of at most TIMEOUT_S, so that it is shown in time, however slow they are."""


@dataclass(slots=True)
class CourierCounters:
    """Of one process."""

    hooks_delivered: int = 0
    """Webhooks that the user's system has taken."""
    hooks_failed: int = 0
    """Attempts; each is tried again."""
    hooks_given_up: int = 0
    """Webhooks that will not be tried again."""


class Courier:
    """The courier of one process. Without a webhook URL it does nothing."""

    def __init__(self, process: Process, *, abandoned_ms: int = ABANDONED_MS) -> None:
        self._process = process
        self._settings = process.settings
        self._abandoned_ms = abandoned_ms
        self._held: dict[tuple[int, str], Hook] = {}
        self._shown_at_ms = now_ms()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.counters = CourierCounters()
        process.metrics.add("courier", self.counters)

    def start(self) -> None:
        """Begins to deliver."""
        if self._settings.webhook_url:
            self._task = self._process.spawn(self._run(), "courier")

    async def stop(self) -> None:
        """Ends after the deliveries under way; what is left others deliver. Cancelling it leaves them under
        way."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=TIMEOUT_S + POLL_S)

    # Private.

    async def _run(self) -> None:
        trusted, proxy = for_requests(), self._settings.proxy_url
        async with httpx.AsyncClient(
            verify=trusted,
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
            proxy=proxy or None,
            mounts=around_proxy(trusted) if proxy else None,
        ) as client:
            while not self._stopping.is_set():
                for lane in range(self._process.keys.lanes):
                    try:
                        await self._read(lane)
                    except STORE_ERRORS as error:
                        self._process.log.debug("courier_waits", reason=type(error).__name__)
                await self._show()
                await self._deliver(client)
                try:
                    async with asyncio.timeout(POLL_S):
                        await self._stopping.wait()
                except TimeoutError:
                    continue  # Nobody asked us to stop: time to look for hooks.

    # Reading.

    async def _show(self) -> None:
        """Now and then: somebody still has what is held."""
        if now_ms() - self._shown_at_ms < SHOW_EVERY_MS:
            return
        self._shown_at_ms = now_ms()
        for lane in range(self._process.keys.lanes):
            mine = [entry_id for held_lane, entry_id in self._held if held_lane == lane]
            if not mine:
                continue
            key = self._process.keys.hooks(lane)
            try:
                # Claimed from oneself.
                await self._process.store.xclaim(key, GROUP, self._process.name, mine)
            except STORE_ERRORS as error:
                self._process.log.debug("courier_waits", reason=type(error).__name__)

    async def _read(self, lane: int) -> None:
        store, key, me = self._process.store, self._process.keys.hooks(lane), self._process.name
        room = MAX_HELD - sum(1 for held_lane, _ in self._held if held_lane == lane)
        if room <= 0:
            return
        try:
            fresh = await store.xreadgroup(GROUP, me, {key: ">"}, count=min(room, 100))
            left = await store.xautoclaim(key, GROUP, me, self._abandoned_ms, count=min(room, 100))
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self._make_group(key)
            return
        for entry_id, fields in [*(entry for _, entries in fresh for entry in entries), *left]:
            await self._hold(lane, key, entry_id.decode(), fields)

    async def _hold(self, lane: int, key: str, entry_id: str, fields: dict[bytes, bytes]) -> None:
        try:
            hook = read_hook(fields) if fields else None
        except EntryError as error:
            self._process.ownership.unread(error, self._process.log)
            hook = None
        if hook is None:
            await self._forget(key, entry_id)
        else:
            self._held.setdefault((lane, entry_id), hook)

    async def _make_group(self, key: str) -> None:
        try:
            # Never makes the stream: it would live without a TTL.
            await self._process.store.xgroup_create(key, GROUP, id="0")
        except ResponseError as error:
            if "BUSYGROUP" not in str(error) and "key to exist" not in str(error):
                raise

    # Delivering.

    async def _deliver(self, client: httpx.AsyncClient) -> None:
        now = wall_ms()
        due = [(place, hook) for place, hook in self._held.items() if hook.due_ms <= now]
        due.sort(key=lambda item: item[1].due_ms)
        for start in range(0, len(due), AT_ONCE):
            if self._stopping.is_set():
                return
            await self._show()
            await asyncio.gather(
                *(
                    self._one(client, lane, entry_id, hook)
                    for (lane, entry_id), hook in due[start : start + AT_ONCE]
                )
            )

    async def _one(self, client: httpx.AsyncClient, lane: int, entry_id: str, hook: Hook) -> None:
        key = self._process.keys.hooks(lane)
        try:
            problem, body = await self._attempt(client, hook)
            if not problem:
                self.counters.hooks_delivered += 1
                await self._forget(key, entry_id, hook)
            elif events.is_hopeless(hook, wall_ms()):
                self.counters.hooks_given_up += 1
                self._process.log.error("webhook_given_up", event_id=hook.event_id, reason=problem)
                await self._forget(key, entry_id, hook)
            else:
                self.counters.hooks_failed += 1
                self._process.log.warning(
                    "webhook_failed", event_id=hook.event_id, attempt=hook.attempt, reason=problem
                )
                await self._again(entry_id, hook, body)
        except STORE_ERRORS as error:
            # It stays pending: told once more, under the same id, when Redis is back.
            self._process.log.debug("courier_waits", reason=type(error).__name__)
            return
        self._held.pop((lane, entry_id), None)

    async def _attempt(self, client: httpx.AsyncClient, hook: Hook) -> tuple[str, bytes]:
        """Empty if it was taken, else why not; and what was told. Raises STORE_ERRORS."""
        process, body = self._process, hook.body
        try:
            body = body or await self._compose(hook)
            number = await steps.read_number(process.store, process.keys, hook.call_sid)
            return await self._post(client, hook, events.with_number(body, number)), body
        except STORE_ERRORS:
            raise
        except Exception as bug:  # noqa: BLE001 - of one event: tried again like any other failure, and so for an end
            process.guard.note(Where.WEBHOOK, hook.call_sid, bug)
            return type(bug).__name__, body

    async def _compose(self, hook: Hook) -> bytes:
        process, call_sid = self._process, hook.call_sid
        found = await steps.read_card(process.store, process.keys, call_sid)
        transcript = None
        if hook.event in (Event.ENDED, Event.TURN_ENDED) and self._settings.webhook_transcript:
            transcript = await read_entries(
                process.store, process.keys, call_sid, process.ownership, process.log,
                since_ms=events.words_since_ms(hook),
            )  # fmt: skip
        return events.compose(hook, self._read_story(found), transcript)

    def _read_story(self, found: dict[str, str]) -> Story | None:
        if not found:
            return None  # The call's keys are gone by now.
        try:
            return Story(record.read(StoryView, found), card.counters(found))
        except ContractError as error:
            self._process.ownership.unread(error, self._process.log)
            return None

    async def _post(self, client: httpx.AsyncClient, hook: Hook, body: bytes) -> str:
        """Empty when it was taken; else why not."""
        secret = self._settings.webhook_secret.get_secret_value()
        headers = signed_headers(secret, hook.event_id, wall_ms() // 1000, body)
        headers["content-type"] = "application/json"
        url = self._settings.webhook_url
        try:
            # Of the answer only the status is read: its body may be long, or never end.
            async with (
                asyncio.timeout(TIMEOUT_S),
                client.stream("POST", url, content=body, headers=headers) as response,
            ):
                return "" if response.is_success else f"HTTP {response.status_code}"
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return type(error).__name__

    async def _again(self, entry_id: str, hook: Hook, body: bytes) -> None:
        """Writes the event back, with its body: the call's keys may be gone by the next attempt. The caller's
        number in full is not in it: it stands in its own key only, and is put in at each attempt."""
        process, wait_ms = self._process, events.pause_ms(hook.attempt, random.random())
        later = replace(hook, attempt=hook.attempt + 1, due_ms=wall_ms() + wait_ms, body=body)
        again = writes.hook_again(process.keys, later, entry_id=entry_id, courier=process.name)
        await steps.run(process.store, again)

    async def _forget(self, key: str, entry_id: str, hook: Hook | None = None) -> None:
        """The event is done with; once the end of a call is told, nobody needs its caller's number."""
        async with self._process.store.pipeline(transaction=True) as pipe:
            pipe.xack(key, GROUP, entry_id)
            pipe.xdel(key, entry_id)
            if hook is not None and hook.event == Event.ENDED:
                pipe.delete(self._process.keys.number(hook.call_sid))
            await pipe.execute()
