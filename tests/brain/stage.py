"""A stage for the brain: a real server, the Realtime simulator, and named fakes of its neighbours.

`Line` plays ingress (attaches calls, gives caller audio) and egress (reads `reply`, reports what the
caller hears). It plays faster than a telephone, and can be told to stop in the middle of an item.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import simulators.clips
from brain.call.call import BrainCall
from brain.caller import turns
from brain.role import BrainRole
from shared.audio import BYTES_PER_MS, FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from shared.clock import now_ms
from shared.contract.keys import Keys
from shared.contract.steps import NewStream
from shared.contract.streams.caller import MAX_AGE_MS, CallerPacker
from shared.contract.streams.control import (
    Audible,
    Flushed,
    FlushedItem,
    Message,
    Silent,
    message_fields,
)
from shared.contract.streams.history import HistoryEntry, read_history
from shared.contract.streams.journal import JournalEntry, read_journal
from shared.contract.streams.pairs import Name, OutKind, read_name, read_pairs
from shared.contract.streams.reply import ReplyEntry, ReplyKind, read_reply
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.process.beat import keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from simulators.realtime import RealtimeSimulator
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to

KEYS = Keys(1)
INGRESS = "ingress-0@h#1"
EGRESS = "egress-0@h#1"
SILENCE_AFTER_SPEECH_FRAMES = 60
SPEED = 10
"""How much faster than life the caller speaks."""


def sid(number: int = 1) -> str:
    return f"CA{number:032x}"


def clip(name: str) -> bytes:
    """A clip of the simulators, raw µ-law."""
    return (Path(simulators.clips.__path__[0]) / f"{name}.ulaw").read_bytes()


SCRIPT = """
language = "en"
greeting = [{{ say = "en_model_greeting" }}]
idle = [{{ say = "en_model_idle" }}]
other = [{{ say = "{other}" }}]
[[turns]]
heard = "{heard}"
reply = [{calls}]
after = [{{ say = "{after}" }}]
"""


def write_script(
    folder: Path,
    *calls: tuple[str, str],
    heard: str = "en_caller_number",
    after: str = "en_model_order",
    other: str = "en_model_short",
) -> str:
    """A script for the simulator: what the caller says makes the model call these tools, each with its
    arguments as TOML. Returns the file's path."""
    path = folder / "script.toml"
    replies = [f'{{ call = "{tool}", arguments = {arguments} }}' for tool, arguments in calls]
    path.write_text(SCRIPT.format(heard=heard, calls=", ".join(replies), after=after, other=other))
    return str(path)


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
    owner: Owner | None = None
    """Egress's pen."""
    is_deaf: bool = False
    is_mute: bool = False
    """Egress is gone: a flush is not answered."""
    streams: int = 0
    numbers: int = 0
    """Messages that ingress has sent by hand."""
    _received: dict[str, int] = field(default_factory=dict)
    _response: dict[str, str] = field(default_factory=dict)
    _audible: str = ""

    async def open(self) -> None:
        """Attaches the call and claims egress's part of it."""
        await self.attach()
        claim = await steps.claim(self.store, KEYS, self.call_sid, role="egress", worker=EGRESS)
        self.owner = Owner(
            self.outbox, KEYS, self.call_sid, "egress", claim.epoch, lambda _answer: None, EGRESS
        )

    async def attach(self) -> None:
        """A new stream gets the call; the first one begins it."""
        await steps.attach(self.store, KEYS, self.stream(), max_resumes=5)

    def stream(self) -> NewStream:
        """The next media stream of the call."""
        self.streams += 1
        return NewStream(
            call_sid=self.call_sid, stream_sid=f"MZ{self.call_sid[2:-2]}{self.streams:02}", ingress=INGRESS,
            nonce=f"nonce-{self.streams}", caller_number="…11", called_number="…22", agent=self.agent,
        )  # fmt: skip

    async def end(self) -> None:
        await steps.end(self.store, KEYS, self.call_sid, outcome="completed", by="test")

    # The caller.

    async def speak(self, audio: bytes) -> None:
        """The caller says this, and then is silent for a while; ten times faster than life."""
        frames = [audio[at : at + FRAME_BYTES] for at in range(0, len(audio), FRAME_BYTES)]
        frames[-1] = frames[-1].ljust(FRAME_BYTES, b"\xff")
        packer = CallerPacker(KEYS, self.call_sid)
        for frame in [*frames, *[SILENCE_FRAME] * SILENCE_AFTER_SPEECH_FRAMES]:
            self.chunk += 1
            packed = packer.pack(1, self.chunk, now_ms(), frame)
            self.outbox.send_packed(packer.lane, packed, max_age_ms=MAX_AGE_MS)
            await asyncio.sleep(FRAME_MS / 1000 / SPEED)  # The pace of who speaks.

    # The ear.

    async def listen(self) -> None:
        """Plays `reply` and reports it until it is deaf."""
        last: bytes | str = "0"
        while not self.is_deaf:
            for _, entries in await self.store.xread({KEYS.reply(self.call_sid): last}, count=200):
                for entry_id, fields in entries:
                    last = entry_id
                    self._take(read_reply([word for pair in fields.items() for word in pair]))
            await asyncio.sleep(0.002)  # Between two looks: a read that waits would outlive its listener.

    def _take(self, entry: ReplyEntry) -> None:
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
                self._tell(
                    Audible(
                        cut=self.cut,
                        response_id=entry.response_id,
                        item_id=entry.item_id,
                        heard_ms=0,
                        frames_waiting=0,
                    )
                )
        if entry.kind is ReplyKind.RESPONSE_END and self.hold_at_ms is None:
            item_id = next(i for i, r in self._response.items() if r == entry.response_id)
            self._tell(
                Silent(
                    cut=self.cut,
                    response_id=entry.response_id,
                    item_id=item_id,
                    heard_ms=self._received[item_id] // BYTES_PER_MS,
                    frames_waiting=0,
                    cause="played",
                )
            )
            self._audible = ""

    def _flush(self, entry: ReplyEntry) -> None:
        self.cut = entry.cut
        if self.is_mute:
            return
        heard_ms = self.hold_at_ms or 0
        items = [
            FlushedItem(
                item_id=item_id,
                response_id=response_id,
                received_ms=self._received[item_id] // BYTES_PER_MS,
                sent_ms=heard_ms,
                heard_ms=heard_ms,
            )
            for item_id, response_id in self._response.items()
            if response_id == self._audible
        ]
        self._tell(Flushed.of(entry.cut, items))
        self._audible = ""

    def _tell(self, message: Message) -> None:
        assert self.owner is not None
        self.owner.tell(message, wake="brain")

    # Looking.

    def audio_of(self, item_id: str) -> bytes:
        return b"".join(entry.audio for entry in self.reply if entry.item_id == item_id)

    def items(self) -> list[str]:
        """Items with audio, in order."""
        return list(self._received)

    def kinds(self) -> list[ReplyKind]:
        return [entry.kind for entry in self.reply]

    async def card(self) -> dict[str, str]:
        return await steps.read_card(self.store, KEYS, self.call_sid)

    async def journal(self) -> list[JournalEntry]:
        entries = await self.store.xrange(KEYS.journal(self.call_sid))
        return [read_journal(entry_id, fields) for entry_id, fields in entries]

    async def history(self) -> list[HistoryEntry]:
        entries = [read_history(fields) for _, fields in await self.store.xrange(KEYS.history(self.call_sid))]
        return [entry for entry in entries if entry is not None]

    async def closes(self) -> set[tuple[int, str]]:
        """The media streams that the brain wants closed, and why. It says so again every second, as long as
        the stream is open."""
        pairs = await self.told()
        return {(name.leg, value.decode()) for name, value in pairs if name.kind == OutKind.CLOSE}

    async def told(self) -> list[tuple[Name, bytes]]:
        """The pairs that the brain wrote for ingress: name and value."""
        return [
            (read_name(name), value)
            for _, fields in await self.store.xrange(KEYS.out(INGRESS))
            for name, value in read_pairs([word for pair in fields.items() for word in pair])
        ]

    async def type(self, kind: str, **fields: str) -> None:
        """An operator types a message; nobody rings."""
        await self.store.xadd(KEYS.control(self.call_sid), {"kind": kind, **fields})

    async def say(self, message: Message) -> None:
        """Ingress says something; nobody rings."""
        self.numbers += 1
        fields = message_fields(message, sender=INGRESS, number=f"test-{self.numbers}", epoch=None)
        await self.store.redis.execute_command("XADD", KEYS.control(self.call_sid), "*", *fields)

    async def card_says(self, name: str, value: str) -> None:
        async def says() -> bool:
            return (await self.card()).get(name) == value

        await wait_until(says, f"the card says {name}={value}")


@asynccontextmanager
async def brain(
    redis_url: str, sim: RealtimeSimulator, *, number: int = 0, **settings: object
) -> AsyncIterator[tuple[Process, BrainRole]]:
    """A brain process's inside, without signals and admin port; `number` is its instance's. The caller speaks
    ten times faster than life, and less evenly, so that what is kept of their voice is as much shorter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "KEPT_BEFORE_PROOF_MS", turns.KEPT_BEFORE_PROOF_MS // SPEED)
        patch.setattr(turns, "KEPT_BEFORE_STOP_MS", 0)
        async with _brain(redis_url, sim, number, settings) as found:
            yield found


@asynccontextmanager
async def _brain(
    redis_url: str, sim: RealtimeSimulator, number: int, settings: Mapping[str, object]
) -> AsyncIterator[tuple[Process, BrainRole]]:
    process = make_process(
        "brain",
        number,
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
    outbox = Outbox(way_to(redis_url), name=EGRESS, commit_ms=0)
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


async def drop(process: Process) -> None:
    """Ends a process without a word: from now on it reads nothing, and writes nothing."""
    tasks = list(process.tasks)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def serving(role: BrainRole) -> BrainCall:
    """The only call of a brain, once it has a session."""
    await wait_until(lambda: role.counters.sessions_confirmed == 1, "the session is open")
    (call,) = role._calls.values()
    return call
