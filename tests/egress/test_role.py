"""The egress role on a real server: a scripted reply in, frames, marks and clears out, echoes back."""

from __future__ import annotations

from egress.pacing.pacer import AHEAD_FRAMES, LEAD_MS
from shared.audio import FRAME_BYTES
from shared.contract.streams.control import Audible, Flushed, Heard, Silent, SilentCause
from shared.contract.streams.journal import Kind, read_journal
from shared.contract.streams.pairs import GROUP_FRAMES, OutKind
from shared.contract.streams.reply import ReplyKind
from shared.ownership import steps
from shared.store.client import Store
from tests.conftest import keys_without_ttl
from tests.egress.stage import frames_of, speech
from tests.egress.world import KEYS, SECOND, World, egress, owns, sees, world
from tests.support.waiting import wait_until


async def test_a_reply_is_spoken_heard_and_trimmed(store: Store, redis_url: str) -> None:
    """Frames at 20 ms with the lead first, marks answered, the brain told, `reply` empty in the end."""
    audio = speech(SECOND + 100)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        here.say(call, audio)

        await wait_until(lambda: here.silent(call), "the response was heard")
        await wait_until(lambda: _is_trimmed(here, call), "the reply is trimmed")

        assert here.ingress.frames(call) == frames_of(audio)
        audible, heard, silent = await here.told(call)
        assert (type(audible), type(heard)) == (Audible, Heard)
        assert silent == Silent(
            cut=0,
            response_id="resp_item_a",
            item_id="item_a",
            heard_ms=1012,
            frames_waiting=0,
            cause=SilentCause.PLAYED,
        )
        times = here.ingress.at(call, OutKind.FRAME)
        lead = int(LEAD_MS // 20) + AHEAD_FRAMES
        assert times[lead - 1] - times[0] < 150
        assert times[-1] - times[0] > (len(times) - lead - 1) * 20 - 50
        assert here.ingress.entries < len(times) / GROUP_FRAMES + 20
        assert here.ingress.longest_bytes == GROUP_FRAMES * FRAME_BYTES
        await here.card_says(call, "frame_n", str(len(times)))
        await steps.end(store, KEYS, call, outcome="completed", by="test")
        await wait_until(owns(role, 0), "the call is forgotten")
    assert keys_without_ttl(redis_url) == []


async def test_an_older_ingress_is_given_single_frames(store: Store, redis_url: str) -> None:
    """It would take a group for one frame; the reply is whole, and is heard to its end."""
    audio = speech(SECOND + 100)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        here.ingress.is_old = True
        call = await here.served(role)
        here.say(call, audio)

        await wait_until(lambda: here.silent(call), "the response was heard")

        assert here.ingress.longest_bytes == FRAME_BYTES
        assert here.ingress.heard(call) == frames_of(audio)


async def _is_trimmed(here: World, call: str) -> bool:
    return await here.store.xlen(KEYS.reply(call)) == 0


async def test_a_flush_overtakes_what_waits(store: Store, redis_url: str) -> None:
    """Barge-in with ten seconds waiting: clear goes out, nothing old follows, heard is told."""
    new = speech(SECOND // 2, 3)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        call = await here.served(role)
        await here.play(call, speech(10 * SECOND), frames=40)

        here.write(call, ReplyKind.FLUSH, 1, "item_a", 0, b"")
        here.say(call, new, "item_b", cut=1)
        await wait_until(lambda: _was_heard(here, call), "the new reply was heard")

        kinds = [(name.kind, name.cut) for _, name, _ in here.ingress.out if name.call_sid == call]
        clear = kinds.index((OutKind.CLEAR, 1))
        assert all(cut == 0 for _, cut in kinds[:clear])
        assert all(cut == 1 for _, cut in kinds[clear:])
        assert here.ingress.frames(call)[-25:] == frames_of(new)
        (flushed,) = [told for told in await here.told(call) if isinstance(told, Flushed)]
        (item,) = flushed.read_items()
        assert flushed.cut == 1
        assert 0 < item.heard_ms <= item.sent_ms < item.received_ms == 10_000
        journal = [read_journal(*entry) for entry in await store.xrange(KEYS.journal(call))]
        assert [line.fields["cut"] for line in journal if line.kind == Kind.FLUSHED] == ["1"]


async def _was_heard(here: World, call: str) -> bool:
    return Heard in await here.kinds(call)


async def test_two_calls_do_not_hear_each_other(store: Store, redis_url: str) -> None:
    """Each call gets its own audio, in full, out of shared entries."""
    first, second = speech(SECOND, 1), speech(SECOND, 2)
    async with world(store, redis_url) as here, egress(here) as (_, role):
        one, two = await here.call(1), await here.call(2)
        await wait_until(owns(role, 2), "egress has both calls")

        here.say(one, first)
        here.say(two, second)
        await wait_until(lambda: here.silent(one), "the first was heard")
        await wait_until(lambda: here.silent(two), "the second was heard")

        assert here.ingress.frames(one) == frames_of(first)
        assert here.ingress.frames(two) == frames_of(second)


async def test_a_released_call_goes_on_in_the_sibling(store: Store, redis_url: str) -> None:
    """In mid-word from one process to the other: no frame twice, none lost."""
    audio = speech(3 * SECOND)
    async with world(store, redis_url) as here, egress(here, 0) as (process, role):
        call = await here.served(role)
        async with egress(here, 1) as (other, sibling):
            await sees(process, other)
            await here.play(call, audio, frames=30)

            process.draining = True
            await role.stop()
            await wait_until(owns(sibling), "the sibling has the call")
            await wait_until(lambda: here.silent(call), "the reply was heard")

            numbers = [name.n for _, name, _ in here.ingress.out if name.kind == OutKind.FRAME]
            assert here.ingress.frames(call) == frames_of(audio)
            assert len(numbers) == len(set(numbers))
            assert role.live_calls() == 0
