"""A Redis with egress's neighbours: a brain's pen, an ingress that answers, a telephone that plays.

For what only a real server shows. Each process that is started here ends with its test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from egress.calls.call import EgressCall
from egress.role import EgressRole
from shared.audio import FRAME_BYTES, FRAME_MS
from shared.clock import now_ms
from shared.contract.keys import Keys
from shared.contract.steps import Deadline, Leg, NewStream
from shared.contract.streams.control import Letter, Message, Silent, read_message
from shared.contract.streams.pairs import (
    BackKind,
    Name,
    OutKind,
    back_commands,
    frames_in,
    groups,
    playing,
    read_name,
    read_pairs,
)
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.views import Owners
from shared.ownership import steps
from shared.ownership.owner import Owner
from shared.process.beat import beat, keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.process.tasks import cancel_all
from shared.settings import load
from shared.store.client import Store
from shared.store.writing.outbox import Outbox
from tests.support.waiting import running, wait_until
from tests.support.ways import way_to

KEYS = Keys(1)
INGRESS = "ingress-0@h#1"
BRAIN = "brain-0@h#1"
SECOND = 8000


def sid(number: int) -> str:
    return f"CA{number:032x}"


def a_stream(call_sid: str, number: int = 1) -> NewStream:
    """A media stream of this call, as ingress attaches it."""
    return NewStream(
        call_sid=call_sid, stream_sid=f"MZ{number:032x}", ingress=INGRESS, nonce=f"nonce{number}",
        caller_number="…11", called_number="…22", agent="default",
    )  # fmt: skip


@dataclass
class Ingress:
    """Reads `out` as ingress does, answers, and plays as a telephone does."""

    store: Store
    outbox: Outbox
    out: list[tuple[float, Name, bytes]] = field(default_factory=list)
    """What was read: each frame of a group by itself."""
    entries: int = 0
    is_deaf: bool = False
    longest_bytes: int = 0
    """The longest `frame` pair."""
    is_old: bool = False
    """Of a version that takes single frames only, and would take a group for one."""
    is_over: bool = False
    """Set before it is cancelled: a cancellation may be lost inside a redis-py command."""
    forwarded: dict[str, int] = field(default_factory=dict)
    given: dict[str, list[tuple[float, bytes]]] = field(default_factory=dict)
    """By call: what passed the fence, and so came to the socket, and when."""
    _free_at: dict[str, float] = field(default_factory=dict)

    async def run(self) -> None:
        last: bytes | str = "0"
        while not self.is_over:
            found = await self.store.xread({KEYS.out(INGRESS): last}, count=200)
            for _, entries in found:
                for entry_id, fields in entries:
                    last = entry_id
                    self._take([word for pair in fields.items() for word in pair])
            await asyncio.sleep(0.002)

    def _take(self, fields: list[bytes]) -> None:
        self.entries += 1
        pairs = read_pairs(fields)
        told: set[str] = set()
        for encoded, value in pairs:
            name = read_name(encoded)
            if name.kind == OutKind.FRAME:
                self.longest_bytes = max(self.longest_bytes, len(value))
            frames = _frames_of(name, value) if name.kind == OutKind.FRAME else [(name, value)]
            self.out += [(now_ms(), each, audio) for each, audio in frames]
            if self.is_deaf:
                continue
            if name.kind == OutKind.FRAME:
                for each, audio in frames:
                    if each.n > self.forwarded.get(name.call_sid, 0):
                        self.forwarded[name.call_sid] = each.n
                        self.given.setdefault(name.call_sid, []).append((now_ms(), audio))
                        plays_from = max(self._free_at.get(name.call_sid, 0), now_ms())
                        self._free_at[name.call_sid] = plays_from + FRAME_MS
                        told.add(name.call_sid)
            elif name.kind == OutKind.MARK:
                wait_ms = max(0.0, self._free_at.get(name.call_sid, 0) - now_ms())
                asyncio.get_running_loop().call_later(
                    wait_ms / 1000, self._tell, pairs.worker, BackKind.ECHO, name, value
                )
            elif name.kind == OutKind.CLEAR:
                self._free_at[name.call_sid] = now_ms()
            elif name.kind == OutKind.ATTACH:
                if not self.is_old:
                    self._tell(pairs.worker, BackKind.GROUPS, name, groups())
                left_ms = self._free_at.get(name.call_sid, 0.0) - now_ms()
                self._tell(pairs.worker, BackKind.ATTACHED, name, playing(left_ms))
            if name.call_sid in told:
                self._tell(pairs.worker, BackKind.FORWARDED, name, b"0")

    def _tell(self, egress: str, kind: BackKind, name: Name, value: bytes) -> None:
        n = self.forwarded.get(name.call_sid, 0)
        back = Name(kind, name.call_sid, name.leg, name.epoch, name.cut, n)
        pairs = [(back.encode(), value)]
        for command in back_commands(KEYS, egress, INGRESS.encode(), now_ms(), pairs):
            self.outbox.send(command)

    def frames(self, call_sid: str) -> list[bytes]:
        """The frames of a call, each number once."""
        seen: dict[int, bytes] = {}
        for _, name, value in self.out:
            if name.kind == OutKind.FRAME and name.call_sid == call_sid:
                seen.setdefault(name.n, value)
        return [seen[n] for n in sorted(seen)]

    def heard(self, call_sid: str) -> list[bytes]:
        """The frames that the telephone was given, in that order."""
        return [frame for _, frame in self.given.get(call_sid, [])]

    def ran_dry_ms(self, call_sid: str) -> float:
        """How long the telephone had nothing to play between the first frame of a call and the last."""
        dry_ms, plays_until_ms = 0.0, 0.0
        for at_ms, _ in self.given[call_sid]:
            if plays_until_ms:
                dry_ms += max(0.0, at_ms - plays_until_ms)
            plays_until_ms = max(plays_until_ms, at_ms) + 20
        return dry_ms

    def at(self, call_sid: str, kind: OutKind) -> list[float]:
        return [when for when, name, _ in self.out if name.kind == kind and name.call_sid == call_sid]


def _frames_of(name: Name, value: bytes) -> list[tuple[Name, bytes]]:
    """A `frame` pair, frame by frame."""
    first_n = name.n - frames_in(value) + 1
    pieces = [value[at : at + FRAME_BYTES] for at in range(0, len(value), FRAME_BYTES)]
    return [(replace(name, n=first_n + index), audio) for index, audio in enumerate(pieces)]


@dataclass
class World:
    """A Redis with its neighbours, and the egress under test."""

    store: Store
    url: str
    outbox: Outbox
    ingress: Ingress
    pens: dict[str, Owner] = field(default_factory=dict)

    async def call(self, number: int = 1) -> str:
        """A call that ingress has attached and a brain owns."""
        call_sid = sid(number)
        await steps.attach(self.store, KEYS, a_stream(call_sid, number), max_resumes=3)
        claim = await steps.claim(self.store, KEYS, call_sid, role="brain", worker=BRAIN)
        self.pens[call_sid] = Owner(self.outbox, KEYS, call_sid, "brain", claim.epoch, lambda _: None, BRAIN)
        return call_sid

    async def detach(self, call_sid: str) -> None:
        """Its first stream is gone."""
        first = Leg(call_sid, 1, a_stream(call_sid).stream_sid)
        lost = {"": Deadline(60_000, "lost")}
        await steps.detach(self.store, KEYS, first, ingress=INGRESS, cause="lost", deadlines=lost)

    async def served(self, role: EgressRole) -> str:
        """The same, once this egress has it as its only one."""
        call_sid = await self.call()
        await wait_until(owns(role), "egress has the call")
        return call_sid

    def write(self, call_sid: str, kind: ReplyKind, cut: int, item: str, offset: int, audio: bytes) -> None:
        entry = ReplyEntry(kind, 1, cut, f"resp_{item}", item, offset, now_ms(), audio)
        self.pens[call_sid].reply(entry, wake=True)

    def say(self, call_sid: str, audio: bytes, item: str = "item_a", cut: int = 0) -> None:
        for at in range(0, len(audio), 1500):
            self.write(call_sid, ReplyKind.AUDIO, cut, item, at, audio[at : at + 1500])
        self.write(call_sid, ReplyKind.ITEM_END, cut, item, len(audio), b"")
        self.write(call_sid, ReplyKind.RESPONSE_END, cut, item, 0, b"")

    async def play(self, call_sid: str, audio: bytes, *, frames: int) -> None:
        """The model says this, and more than so many frames have come to ingress."""
        self.say(call_sid, audio)
        await wait_until(lambda: len(self.ingress.frames(call_sid)) > frames, "the reply is playing")

    async def told(self, call_sid: str) -> list[Message]:
        """What egress told the brain."""
        found = await self.store.xrange(KEYS.control(call_sid))
        letters: list[Letter] = [read_message(entry_id, fields) for entry_id, fields in found]
        return [letter.message for letter in letters if letter.message and letter.sender.startswith("egress")]

    async def kinds(self, call_sid: str) -> list[type]:
        """The same by kind."""
        return [type(message) for message in await self.told(call_sid)]

    async def silent(self, call_sid: str) -> bool:
        """Whether all was heard."""
        return Silent in await self.kinds(call_sid)

    async def card(self, call_sid: str) -> dict[str, str]:
        """The card as it stands."""
        return await steps.read_card(self.store, KEYS, call_sid)

    async def owners(self, call_sid: str) -> Owners:
        """Who has the call."""
        found = await steps.read_view(self.store, KEYS, call_sid, Owners)
        assert found is not None
        return found

    async def card_says(self, call_sid: str, name: str, value: str) -> None:
        """Waits until it does."""

        async def says() -> bool:
            return (await self.card(call_sid)).get(name) == value

        await wait_until(says, f"the card says {name} {value}")


@asynccontextmanager
async def world(store: Store, url: str) -> AsyncIterator[World]:
    """Neighbours that run."""
    for key in (KEYS.out(INGRESS), KEYS.wake(0, BRAIN)):
        entry_id = await store.xadd(key, {"v": "1"})
        assert entry_id is not None
        await store.xdel(key, entry_id)
        await store.pexpire(key, 60_000)
    outbox = Outbox(way_to(url), name=INGRESS, commit_ms=0)
    ingress = Ingress(store, outbox)
    async with running(outbox.run(), ingress.run()):
        try:
            yield World(store, url, outbox, ingress)
        finally:
            ingress.is_over = True


@asynccontextmanager
async def egress(here: World, number: int = 0) -> AsyncIterator[tuple[Process, EgressRole]]:
    """An egress process's role, started; what it started is ended with it."""
    settings = load("egress", env_file=None, redis_url=here.url)
    process = make_process("egress", number, settings)
    for index, work in enumerate([process.outbox.run(), *(inbox.run() for inbox in process.inboxes)]):
        process.spawn(work, f"link-{index}")
    role = EgressRole(process)
    await keep_own_keys(process, role.own_streams)
    await role.start()
    process.lag.start()
    process.spawn(beat(process, role, asyncio.Event()), "beat")
    process.spawn(process.neighbours.look_on(), "neighbours")
    try:
        yield process, role
    finally:
        process.lag.stop()
        role.calls.metronome.stop()
        await kill(process)
        assert process.fatal is None


async def kill(process: Process) -> None:
    """Ends a process as kill -9 does: nothing is written any more."""
    # Once may be lost: a command of redis-py now and then swallows it.
    async with asyncio.timeout(20):
        await cancel_all(list(process.tasks))
    await process.store.aclose()


def owns(role: EgressRole, calls: int = 1) -> Callable[[], bool]:
    """For `wait_until`: the process has so many calls."""
    return lambda: role.live_calls() == calls


async def sees(process: Process, other: Process) -> None:
    """Waits until a process knows that another one lives."""
    await wait_until(lambda: other.name in process.neighbours.silences(), "the sibling is seen to live")


def held(role: EgressRole, call_sid: str) -> EgressCall:
    """A call that the process has."""
    call = role.calls.find(call_sid)
    assert call is not None
    return call
