"""The egress role on a real server: a scripted reply in, frames, marks and clears out, echoes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from egress import call as held_call
from egress import role as role_module
from egress.role import EgressRole
from shared.clock import now_ms
from shared.contract.entries import BackKind, Name, OutKind, ReplyEntry, ReplyKind, read_name, read_pairs
from shared.contract.keys import Keys
from shared.ownership import owner as ownership
from shared.ownership.owner import NewStream, Owner
from shared.process.beat import keep_own_keys
from shared.process.life import make_process
from shared.process.role import Process
from shared.settings import load
from shared.store.client import Store
from shared.store.outbox import Outbox
from tests.conftest import keys_without_ttl
from tests.egress.stage import frames_of, speech
from tests.support.waiting import running, wait_until

KEYS = Keys(1)
INGRESS = "ingress-0@h#1"
BRAIN = "brain-0@h#1"
SECOND = 8000


def sid(number: int) -> str:
    return f"CA{number:032x}"


@dataclass
class Ingress:
    """Reads `out` as ingress does, answers, and plays as a telephone does."""

    store: Store
    outbox: Outbox
    out: list[tuple[float, Name, bytes]] = field(default_factory=list)
    entries: int = 0
    is_deaf: bool = False
    is_over: bool = False
    """Set before it is cancelled: a cancellation may be lost inside a redis-py command."""
    forwarded: dict[str, int] = field(default_factory=dict)
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
            self.out.append((now_ms(), name, value))
            if self.is_deaf:
                continue
            if name.kind == OutKind.FRAME and name.n > self.forwarded.get(name.call_sid, 0):
                self.forwarded[name.call_sid] = name.n
                self._free_at[name.call_sid] = max(self._free_at.get(name.call_sid, 0), now_ms()) + 20
                told.add(name.call_sid)
            elif name.kind == OutKind.MARK:
                wait_ms = max(0.0, self._free_at.get(name.call_sid, 0) - now_ms())
                asyncio.get_running_loop().call_later(
                    wait_ms / 1000, self._tell, pairs.worker, BackKind.ECHO, name, value
                )
            elif name.kind == OutKind.CLEAR:
                self._free_at[name.call_sid] = now_ms()
            elif name.kind == OutKind.ATTACH:
                self._tell(pairs.worker, BackKind.ATTACHED, name, b"")
            if name.call_sid in told:
                self._tell(pairs.worker, BackKind.FORWARDED, name, b"0")

    def _tell(self, egress: str, kind: BackKind, name: Name, value: bytes) -> None:
        n = self.forwarded.get(name.call_sid, 0)
        back = Name(kind, name.call_sid, name.leg, name.epoch, name.cut, n)
        self.outbox.back(egress, [(back.encode(), value)])

    def frames(self, call_sid: str) -> list[bytes]:
        """The frames of a call, each number once."""
        seen: dict[int, bytes] = {}
        for _, name, value in self.out:
            if name.kind == OutKind.FRAME and name.call_sid == call_sid:
                seen.setdefault(name.n, value)
        return [seen[n] for n in sorted(seen)]

    def at(self, call_sid: str, kind: OutKind) -> list[float]:
        return [when for when, name, _ in self.out if name.kind == kind and name.call_sid == call_sid]


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
        stream = NewStream(
            call_sid=call_sid,
            stream_sid=f"MZ{number:032x}",
            ingress=INGRESS,
            nonce=f"nonce{number}",
            caller_number="…11",
            called_number="…22",
            agent="default",
        )
        await ownership.attach(self.store, KEYS, stream, max_resumes=3)
        claim = await ownership.claim(self.store, KEYS, call_sid, role="brain", worker=BRAIN)
        self.pens[call_sid] = Owner(self.outbox, KEYS, call_sid, "brain", claim.epoch, lambda _: None)
        return call_sid

    def write(self, call_sid: str, kind: ReplyKind, cut: int, item: str, offset: int, audio: bytes) -> None:
        entry = ReplyEntry(kind, 1, cut, f"resp_{item}", item, offset, now_ms(), audio)
        self.pens[call_sid].reply(entry, wake=True)

    def say(self, call_sid: str, audio: bytes, item: str = "item_a", cut: int = 0) -> None:
        for at in range(0, len(audio), 1500):
            self.write(call_sid, ReplyKind.AUDIO, cut, item, at, audio[at : at + 1500])
        self.write(call_sid, ReplyKind.ITEM_END, cut, item, len(audio), b"")
        self.write(call_sid, ReplyKind.RESPONSE_END, cut, item, 0, b"")

    async def control(self, call_sid: str) -> list[dict[str, str]]:
        found = await self.store.xrange(KEYS.control(call_sid))
        return [{k.decode(): v.decode() for k, v in fields.items()} for _, fields in found]

    async def kinds(self, call_sid: str) -> list[str]:
        return [message["kind"] for message in await self.control(call_sid)]

    async def has(self, call_sid: str, kind: str) -> bool:
        return kind in await self.kinds(call_sid)

    async def card(self, call_sid: str) -> dict[str, str]:
        return await ownership.read_card(self.store, KEYS, call_sid)


@asynccontextmanager
async def world(store: Store, url: str) -> AsyncIterator[World]:
    for key in (KEYS.out(INGRESS), KEYS.wake(0, BRAIN)):
        entry_id = await store.xadd(key, {"v": "1"})
        await store.xdel(key, entry_id)
        await store.pexpire(key, 60_000)
    outbox = Outbox(url, KEYS, name=INGRESS, commit_ms=0)
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
    try:
        yield process, role
    finally:
        role.metronome.stop()
        await kill(process)
        assert process.fatal is None


async def kill(process: Process) -> None:
    """Ends a process as kill -9 does: nothing is written any more."""
    tasks = list(process.tasks)
    for task in tasks:
        task.cancel()
    if tasks:
        _, stuck = await asyncio.wait(tasks, timeout=5)
        assert not stuck, f"tasks outlive their process: {stuck}"
    await process.store.aclose()


def owns(role: EgressRole, calls: int = 1) -> Callable[[], bool]:
    return lambda: role.live_calls() == calls


async def test_a_reply_is_spoken_heard_and_trimmed(store: Store, redis_url: str) -> None:
    """Frames at 20 ms with the lead first, marks answered, the brain told, `reply` empty in the end."""
    audio = speech(SECOND + 100)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, audio)

        await wait_until(lambda: here.has(call, "silent"), "the response was heard")
        await wait_until(lambda: _is_empty(here, call), "the reply is trimmed")

        assert here.ingress.frames(call) == frames_of(audio)
        assert await here.kinds(call) == ["audible", "heard", "silent"]
        silent = (await here.control(call))[-1]
        assert (silent["cause"], silent["heard_ms"], silent["response"]) == ("played", "1012", "resp_item_a")
        times = here.ingress.at(call, OutKind.FRAME)
        assert times[7] - times[0] < 150
        assert times[-1] - times[0] > (len(times) - 9) * 20 - 50
        assert here.ingress.entries < len(times) + 20
        await _card_says(here, call, "frame_n", str(len(times)))
        await ownership.end(store, KEYS, call, outcome="completed", by="test")
        await wait_until(owns(role, 0), "the call is forgotten")
    assert keys_without_ttl(redis_url) == []


async def _is_empty(here: World, call: str) -> bool:
    return bool(await here.store.xlen(KEYS.reply(call)) == 0)


async def _card_says(here: World, call: str, name: str, value: str) -> None:
    async def says() -> bool:
        return (await here.card(call)).get(name) == value

    await wait_until(says, f"the card says {name} {value}")


async def test_a_flush_overtakes_what_waits(store: Store, redis_url: str) -> None:
    """Barge-in with ten seconds waiting: clear goes out, nothing old follows, heard is told."""
    new = speech(SECOND // 2, 3)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, speech(10 * SECOND), "item_a")
        await wait_until(lambda: len(here.ingress.frames(call)) > 20, "the reply is playing")

        here.write(call, ReplyKind.FLUSH, 1, "item_a", 0, b"")
        here.say(call, new, "item_b", cut=1)
        await wait_until(lambda: here.has(call, "heard"), "the new reply was heard")

        kinds = [(name.kind, name.cut) for _, name, _ in here.ingress.out if name.call_sid == call]
        clear = kinds.index(("clear", 1))
        assert all(cut == 0 for _, cut in kinds[:clear])
        assert all(cut == 1 for _, cut in kinds[clear:])
        assert here.ingress.frames(call)[-25:] == frames_of(new)
        (flushed,) = [m for m in await here.control(call) if m["kind"] == "flushed"]
        (item,) = json.loads(flushed["items"])
        assert flushed["cut"] == "1"
        assert 0 < item["heard_ms"] <= item["sent_ms"] < item["received_ms"] == 10_000
        journal = [fields[b"kind"] for _, fields in await store.xrange(KEYS.journal(call))]
        assert b"flushed" in journal


async def test_two_calls_do_not_hear_each_other(store: Store, redis_url: str) -> None:
    """Each call gets its own audio, in full, out of shared entries."""
    first, second = speech(SECOND, 1), speech(SECOND, 2)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        one, two = await here.call(1), await here.call(2)
        await wait_until(owns(role, 2), "egress has both calls")

        here.say(one, first)
        here.say(two, second)
        await wait_until(lambda: here.has(one, "silent"), "the first was heard")
        await wait_until(lambda: here.has(two, "silent"), "the second was heard")

        assert here.ingress.frames(one) == frames_of(first)
        assert here.ingress.frames(two) == frames_of(second)


async def test_a_released_call_goes_on_in_the_sibling(store: Store, redis_url: str) -> None:
    """In mid-word from one process to the other: no frame twice, none lost."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here, 0) as (process, role):
        call = await here.call()
        await wait_until(owns(role), "egress-0 has the call")
        async with egress(here, 1) as (_, sibling):
            await _shows_itself(here, "egress-1")
            here.say(call, audio)
            await wait_until(lambda: len(here.ingress.frames(call)) > 30, "the reply is playing")

            process.draining = True
            await role.stop()
            await wait_until(owns(sibling), "the sibling has the call")
            await wait_until(lambda: here.has(call, "silent"), "the reply was heard")

            numbers = [name.n for _, name, _ in here.ingress.out if name.kind == OutKind.FRAME]
            assert here.ingress.frames(call) == frames_of(audio)
            assert len(numbers) == len(set(numbers))
            assert role.live_calls() == 0


async def _shows_itself(here: World, prefix: str) -> None:
    """The figures that the skeleton's beat writes."""
    async for key in here.store.scan_iter(match=f"tl:back:{prefix}*"):
        worker = key.decode().removeprefix("tl:back:")
        figures = {"at_ms": str(ownership.wall_ms()), "calls": "0", "capacity": "10", "draining": "0"}
        await here.store.hset(KEYS.worker(worker), mapping=dict(figures))
        await here.store.expire(KEYS.worker(worker), 60)
        await here.store.sadd("tl:workers", worker)


async def test_after_a_kill_the_next_owner_goes_on_with_the_next_frame(store: Store, redis_url: str) -> None:
    """Egress ends without a word; who claims the call continues at the frame that ingress had last."""
    audio = speech(4 * SECOND)
    async with world(store, redis_url) as here, egress(here, 1) as (rival, sibling):
        rival.draining = True  # It takes no new call by itself.
        async with egress(here, 0) as (_, role):
            call = await here.call()
            await wait_until(owns(role), "egress-0 has the call")
            here.say(call, audio)
            await wait_until(lambda: len(here.ingress.frames(call)) > 80, "the reply is playing")
        card = await here.card(call)
        claim = await ownership.claim(
            store,
            KEYS,
            call,
            role="egress",
            worker=rival.name,
            expected_owner=card["egress"],
            expected_epoch=int(card["egress_epoch"]),
        )

        sibling.take_call(call, claim)
        await wait_until(lambda: here.has(call, "silent"), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)
        assert claim.epoch == 2


async def test_a_fenced_owner_lets_go(store: Store, redis_url: str) -> None:
    """Another worker claims the call: the next fenced write is refused, and nothing more is sent."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, speech(10 * SECOND))
        await wait_until(lambda: len(here.ingress.frames(call)) > 10, "the reply is playing")

        await ownership.claim(
            store,
            KEYS,
            call,
            role="egress",
            worker="egress-9@h#9",
            expected_owner=process.name,
            expected_epoch=1,
        )
        await wait_until(owns(role, 0), "the fenced owner has let go")

        assert role.counters.calls_lost == 1


async def test_a_new_leg_is_followed(store: Store, redis_url: str) -> None:
    """Detached: silence. A new stream of the call: the rest of the reply, on the new leg."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, audio)
        await wait_until(lambda: len(here.ingress.frames(call)) > 50, "the reply is playing")

        await ownership.detach(store, KEYS, call, leg=1, ingress=INGRESS, cause="lost")
        held = role._calls[call]
        await wait_until(lambda: held.call.detached, "egress knows")
        before = len(here.ingress.frames(call))
        stream = NewStream(
            call_sid=call,
            stream_sid="MZ" + "f" * 32,
            ingress=INGRESS,
            nonce="again",
            caller_number="",
            called_number="",
            agent="",
        )
        await ownership.attach(store, KEYS, stream, max_resumes=3)
        await wait_until(lambda: here.has(call, "silent"), "the reply was heard")

        frames = [(name.leg, value) for _, name, value in here.ingress.out if name.kind == OutKind.FRAME]
        second = [value for leg, value in frames if leg == 2]
        resumed_at = frames_of(audio).index(second[0])
        assert before - 15 <= resumed_at <= before
        assert second == frames_of(audio)[resumed_at:]


async def test_a_silent_ingress_is_asked_and_goes_on(store: Store, redis_url: str) -> None:
    """Ingress says nothing for a while: egress stops, asks, and loses nothing."""
    audio = speech(2 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, audio)
        await wait_until(lambda: len(here.ingress.frames(call)) > 20, "the reply is playing")

        here.ingress.is_deaf = True
        held = role._calls[call]
        await wait_until(lambda: held.call.pacer.stopped, "egress has stopped")
        here.ingress.is_deaf = False
        await wait_until(lambda: here.has(call, "silent"), "the reply was heard")

        assert here.ingress.frames(call) == frames_of(audio)


async def test_a_spoilt_entry_does_no_harm(store: Store, redis_url: str) -> None:
    """Entries of another version in reply, doorbell and back are counted and passed over."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.write(call, ReplyKind.AUDIO, 0, "item_a", 0, speech(800))
        await here.outbox.flushed(5)

        await store.xadd(KEYS.reply(call), {"v": "9"})
        await store.xadd(KEYS.back(process.name), {"nonsense": "x"})
        await store.xadd(KEYS.wake(0, process.name), {"v": "9", "call": call})
        await wait_until(lambda: role.counters.unreadable == 3, "all three were counted")

        here.write(call, ReplyKind.ITEM_END, 0, "item_a", 800, b"")
        here.write(call, ReplyKind.RESPONSE_END, 0, "item_a", 0, b"")
        await wait_until(lambda: here.has(call, "silent"), "the reply was heard")
        assert len(here.ingress.frames(call)) == 5


async def test_a_reply_whose_ring_was_lost_is_found(store: Store, redis_url: str) -> None:
    """No doorbell: the sweep sees the entries within a second or so."""
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        process = role._process
        process.inboxes[0].unwatch(KEYS.reply(call))

        entry = ReplyEntry(ReplyKind.AUDIO, 1, 0, "resp_a", "item_a", 0, now_ms(), speech(1600))
        here.pens[call].reply(entry, wake=False)

        await wait_until(lambda: len(here.ingress.frames(call)) == 10, "the reply was found and sent")


async def test_an_answer_for_a_call_that_was_let_go_leads_to_nothing(store: Store, redis_url: str) -> None:
    """Reply that was read again comes after the release: the call does not rise from the dead."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, speech(10 * SECOND))
        await wait_until(lambda: len(here.ingress.frames(call)) > 10, "the reply is playing")
        held = role._calls[call]
        answers: list[object] = []

        held._refill("0-0")
        process.outbox.command(held.lane, [b"PING"], on_reply=answers.append)
        role._forget(held)
        await wait_until(lambda: bool(answers), "Redis has answered")

        assert held.phase == -1


async def test_a_call_that_met_a_bug_is_claimed_anew(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a sibling by the same process: a fresh start from the card, and the reply goes on."""
    monkeypatch.setattr(role_module, "AFRESH_S", 0.05)
    audio = speech(2 * SECOND)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, audio)
        await wait_until(lambda: len(here.ingress.frames(call)) > 10, "the reply is playing")
        first = role._calls[call]

        role._on_bug(first, RuntimeError("a bug"))
        assert role.live_calls() == 0

        await wait_until(lambda: role._calls.get(call) not in (None, first), "it is claimed anew")
        await wait_until(lambda: here.has(call, "silent"), "the reply was heard to its end")
        assert here.ingress.frames(call)[-1] == frames_of(audio)[-1]
        assert role.counters.calls_failed == 1


async def test_a_quiet_call_whose_card_is_gone_is_forgotten(
    store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis came back empty and nothing rings: the slot is not held for ever."""
    monkeypatch.setattr(held_call, "SAVE_EVERY", 1)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")

        # From its first save on, nothing changes.
        await wait_until(lambda: role._calls[call]._saved is not None, "its figures are on the card")
        await _card_says(here, call, "n_frames", "0")

        await store.delete(KEYS.card(call), KEYS.control(call))

        await wait_until(owns(role, 0), "the call is forgotten")


@pytest.mark.parametrize("is_here", [True, False])
async def test_hops_of_a_brain_here_and_elsewhere(store: Store, redis_url: str, is_here: bool) -> None:
    """A clear hands on the stamp of its flush if it is of our clock; frames count only on one host."""
    async with world(store, redis_url) as here, egress(here) as (process, role):
        call = await here.call()
        await wait_until(owns(role), "egress has the call")
        here.say(call, speech(800))
        await wait_until(lambda: here.has(call, "silent"), "there is a way to ingress, and nothing waits")
        read_before = role.hops.model_to_egress_ms.count
        host = process.worker.host if is_here else "elsewhere"
        stamp_ms = now_ms()
        for kind, cut, audio in ((ReplyKind.AUDIO, 0, speech(SECOND)), (ReplyKind.FLUSH, 1, b"")):
            entry = ReplyEntry(kind, 1, cut, "resp_b", "item_b", 0, stamp_ms, audio, host)
            here.pens[call].reply(entry, wake=True)
            await wait_until(lambda: len(here.ingress.frames(call)) > 5, "the first frames are out")
        await wait_until(lambda: bool(here.ingress.at(call, OutKind.CLEAR)), "the clear is out")

    (value,) = [value for _, name, value in here.ingress.out if name.kind == OutKind.CLEAR]
    assert value == (b"%.1f" % stamp_ms if is_here else b"")
    assert role.hops.model_to_egress_ms.count == read_before + 2
    assert role.hops.model_to_frame_ms.count == (1 if is_here else 0)
