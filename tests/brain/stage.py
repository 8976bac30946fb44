"""A stage for the brain: a real server, the Realtime simulator, and named fakes of its neighbours.

`Line` plays ingress (attaches calls, gives caller audio) and egress (reads `reply`, reports what the
caller hears). It plays faster than a telephone, and can be told to stop in the middle of an item.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import orjson

import simulators.clips
from brain.role import BrainRole
from shared.audio import BYTES_PER_MS, FRAME_BYTES, SILENCE_FRAME
from shared.contract.entries import ReplyEntry, ReplyKind, read_name, read_pairs, read_reply
from shared.contract.keys import Keys
from shared.ownership import owner as ownership
from shared.ownership.control import ControlPost
from shared.ownership.owner import NewStream, Owner
from shared.process.beat import keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from shared.store.outbox import Outbox
from simulators.realtime import RealtimeSimulator
from tests.support.waiting import running, wait_until

KEYS = Keys(1)
INGRESS = "ingress-0@h#1"
EGRESS = "egress-0@h#1"
SILENCE_AFTER_SPEECH_FRAMES = 60


def sid(number: int = 1) -> str:
    return f"CA{number:032x}"


def clip(name: str) -> bytes:
    """A clip of the simulators, raw µ-law."""
    return (Path(simulators.clips.__path__[0]) / f"{name}.ulaw").read_bytes()


@dataclass
class Line:
    """One call as ingress and egress see it."""

    store: Store
    outbox: Outbox
    call_sid: str
    agent: str = "default"
    chunk: int = 0
    cut: int = 0
    reply: list[ReplyEntry] = field(default_factory=list)
    hold_at_ms: int | None = None
    """Stop playing at this playhead of the current item; None = play everything."""
    post: ControlPost | None = None
    is_deaf: bool = False
    is_mute: bool = False
    """Egress is gone: a flush is not answered."""
    _received: dict[str, int] = field(default_factory=dict)
    _response: dict[str, str] = field(default_factory=dict)
    _audible: str = ""

    async def open(self) -> None:
        """Attaches the call and claims egress's part of it."""
        await ownership.attach(
            self.store,
            KEYS,
            NewStream(
                call_sid=self.call_sid,
                stream_sid=f"MZ{self.call_sid[2:]}",
                ingress=INGRESS,
                nonce="nonce",
                caller_number="…11",
                called_number="…22",
                agent=self.agent,
            ),
            max_resumes=5,
        )
        claim = await ownership.claim(self.store, KEYS, self.call_sid, role="egress", worker=EGRESS)
        owner = Owner(self.outbox, KEYS, self.call_sid, "egress", claim.epoch, lambda _answer: None)
        self.post = ControlPost(owner, EGRESS)

    async def end(self) -> None:
        await ownership.end(self.store, KEYS, self.call_sid, outcome="completed", by="test")

    # The caller.

    async def speak(self, audio: bytes) -> None:
        """The caller says this, and then is silent for a while; ten times faster than life."""
        frames = [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]
        frames[-1] = frames[-1].ljust(FRAME_BYTES, b"\xff")
        for frame in [*frames, *[SILENCE_FRAME] * SILENCE_AFTER_SPEECH_FRAMES]:
            self.chunk += 1
            self.outbox.caller(self.call_sid, 1, self.chunk, frame)
            await asyncio.sleep(0.002)

    # The ear.

    async def listen(self) -> None:
        """Plays `reply` and reports it until it is deaf."""
        last: bytes | str = "0"
        while not self.is_deaf:
            for _, entries in await self.store.xread({KEYS.reply(self.call_sid): last}, count=200):
                for entry_id, fields in entries:
                    last = entry_id
                    self._take(read_reply([word for pair in fields.items() for word in pair]))
            await asyncio.sleep(0.002)

    def _take(self, entry: ReplyEntry) -> None:
        assert self.post is not None
        self.reply.append(entry)
        if entry.kind is ReplyKind.FLUSH:
            self._flush(entry)
        if entry.cut < self.cut:
            return
        if entry.kind is ReplyKind.AUDIO:
            self._received[entry.item_id] = entry.offset_bytes + len(entry.audio)
            self._response[entry.item_id] = entry.response_id
            if self._audible != entry.response_id:
                self._audible = entry.response_id
                self._report("audible", entry.item_id, 0)
        if entry.kind is ReplyKind.RESPONSE_END and self.hold_at_ms is None:
            item_id = next(i for i, r in self._response.items() if r == entry.response_id)
            ms = self._received[item_id] // BYTES_PER_MS
            self._report("silent", item_id, ms, cause="played")
            self._audible = ""

    def _flush(self, entry: ReplyEntry) -> None:
        assert self.post is not None
        self.cut = entry.cut
        if self.is_mute:
            return
        heard_ms = self.hold_at_ms or 0
        items = [
            {"item": item_id, "response": response_id, "heard_ms": heard_ms}
            for item_id, response_id in self._response.items()
            if response_id == self._audible
        ]
        found = orjson.dumps(items).decode()
        self.post.send("flushed", wake="brain", cut=entry.cut, items=found)
        self._audible = ""

    def _report(self, kind: str, item_id: str, heard_ms: int, **more: str) -> None:
        assert self.post is not None
        fields = {
            "cut": self.cut,
            "response": self._response[item_id],
            "item": item_id,
            "heard_ms": heard_ms,
            **more,
        }
        self.post.send(kind, wake="brain", **fields)

    # Looking.

    def audio_of(self, item_id: str) -> bytes:
        return b"".join(entry.audio for entry in self.reply if entry.item_id == item_id)

    def items(self) -> list[str]:
        """Items with audio, in order."""
        return list(self._received)

    def kinds(self) -> list[ReplyKind]:
        return [entry.kind for entry in self.reply]

    async def card(self) -> dict[str, str]:
        return await ownership.read_card(self.store, KEYS, self.call_sid)

    async def journal(self) -> list[dict[str, str]]:
        return await self._entries(KEYS.journal(self.call_sid))

    async def history(self) -> list[dict[str, str]]:
        return await self._entries(KEYS.history(self.call_sid))

    async def closes(self) -> list[str]:
        """The reasons of the `close` pairs that the brain wrote for ingress."""
        found: list[str] = []
        for _, fields in await self.store.xrange(KEYS.out(INGRESS)):
            for name, value in read_pairs([word for pair in fields.items() for word in pair]):
                if read_name(name).kind == "close":
                    found.append(value.decode())
        return found

    async def tell(self, kind: str, **fields: str) -> None:
        """An operator types a message; nobody rings."""
        await self.store.xadd(KEYS.control(self.call_sid), {"kind": kind, **fields})

    async def card_says(self, name: str, value: str) -> None:
        async def says() -> bool:
            return (await self.card()).get(name) == value

        await wait_until(says, f"the card says {name}={value}")

    async def _entries(self, key: str) -> list[dict[str, str]]:
        return [
            {name.decode(): value.decode() for name, value in fields.items()}
            for _, fields in await self.store.xrange(key)
        ]


@asynccontextmanager
async def brain(
    redis_url: str, sim: RealtimeSimulator, **settings: object
) -> AsyncIterator[tuple[Process, BrainRole]]:
    """A brain process's inside, without signals and admin port."""
    process = make_process(
        "brain",
        0,
        load(
            env_file=None,
            redis_url=redis_url,
            openai_base_url=sim.base_url,
            openai_api_key="key",
            demo_tools=True,
            **settings,
        ),
    )
    process.spawn(process.outbox.run(), "outbox")
    process.spawn(process.inboxes[0].run(), "inbox-0")
    role = BrainRole(process)
    await keep_own_keys(process, role.own_streams)
    await role.start()
    try:
        yield process, role
    finally:
        process.draining = True
        await role.stop()
        await process.outbox.flushed(1.0)
        tasks = list(process.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await process.store.aclose()
        assert process.fatal is None


@asynccontextmanager
async def line(
    store: Store, redis_url: str, number: int = 1, *, agent: str = "default"
) -> AsyncIterator[Line]:
    """An attached call, with its ear listening."""
    outbox = Outbox(redis_url, KEYS, name=EGRESS, commit_ms=0)
    for key in (KEYS.out(INGRESS), KEYS.wake(0, EGRESS)):
        await store.xadd(key, {"v": "1"})
        await store.expire(key, 60)
    await store.xtrim(KEYS.out(INGRESS), maxlen=0)
    here = Line(store, outbox, sid(number), agent)
    async with running(outbox.run()):
        await here.open()
        ear = asyncio.create_task(here.listen())
        try:
            yield here
        finally:
            # Not cancelled: a cancelled redis-py command may swallow it and read on.
            here.is_deaf = True
            await ear
