"""The places of a process's calls: said soon, said again, and at once where Redis may have lost them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from ingress.calls.holding import AGAIN_MS
from shared.clock import now_ms, wall_ms
from shared.contract.admission.count import HELD_MS
from shared.contract.keys import ADMITTED, caller_day
from shared.contract.streams.calls import RINGING_MS
from shared.ownership import admitting
from tests.ingress.harness import Ingress, call_sid, ingress
from tests.support.waiting import wait_until


@pytest.fixture
async def quiet(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ingress]:
    """An ingress whose own task says nothing, with a caller's day kept."""
    monkeypatch.setattr("ingress.calls.holding.LOOK_S", 1_000.0)
    async with ingress(valkey_url, caller_minutes_a_day=9) as running:
        yield running


async def ends_in_ms(bridge: Ingress, number: int) -> float:
    score = await bridge.process.store.zscore(ADMITTED, call_sid(number))
    return 0.0 if score is None else score - wall_ms()


async def test_a_call_keeps_its_place_once_its_stream_is_there(bridge: Ingress) -> None:
    """Within a second or two; until then it has that of the webhook."""
    await bridge.live(1)

    async def is_held() -> bool:
        return await ends_in_ms(bridge, 1) > 2 * RINGING_MS

    await wait_until(is_held, "its place is its own")
    assert await ends_in_ms(bridge, 1) == pytest.approx(HELD_MS, abs=10_000)
    assert bridge.role.switchboard.counters.places_regained == 0


async def test_what_was_said_is_said_again_after_a_while_only(quiet: Ingress) -> None:
    """Or at once, where Redis may be another one."""
    holding, store = quiet.role._holding, quiet.process.store
    await quiet.live(1)
    now = now_ms()
    await holding.look(now)
    await store.zrem(ADMITTED, call_sid(1))
    await holding.look(now + AGAIN_MS - 1)
    assert await ends_in_ms(quiet, 1) == 0
    await holding.look(now + AGAIN_MS)
    assert await ends_in_ms(quiet, 1) > 0
    await store.zrem(ADMITTED, call_sid(1))
    quiet.process.emptied += 1
    await holding.look(now + AGAIN_MS + 1)
    assert await ends_in_ms(quiet, 1) > 0
    assert quiet.role.switchboard.counters.places_regained == 2


async def test_a_call_whose_stream_is_gone_is_said_no_more(quiet: Ingress) -> None:
    """Whoever ends it gives its place back."""
    holding = quiet.role._holding
    caller = await quiet.live(1)
    await holding.look(now_ms())
    await caller.event("stop", callSid=caller.call_sid)
    await wait_until(lambda: quiet.is_in_state("ended", 1), "the call has ended")
    await wait_until(lambda: not quiet.role.switchboard.table.calls, "nothing of it is here")
    await holding.look(now_ms() + AGAIN_MS)
    assert await quiet.process.store.zcard(ADMITTED) == 0


async def test_how_long_a_caller_was_on_the_line_is_said_with_it(quiet: Ingress) -> None:
    """Under a name that is no number."""
    await quiet.live(1)
    name = quiet.role._holding.name_of("+15550001111")
    before = await quiet.process.store.hget(caller_day(name), call_sid(1))
    await quiet.role._holding.look(now_ms())
    after = await quiet.process.store.hget(caller_day(name), call_sid(1))
    assert before is not None
    assert after is not None
    since, last = (int(word) for word in after.split()[:2])
    assert since == int(before.split()[0])
    assert last >= since
    assert b"5550001111" not in b"".join([key async for key in quiet.process.store.scan_iter()])


async def test_without_redis_it_is_said_later(quiet: Ingress, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next look."""
    holding = quiet.role._holding
    await quiet.live(1)

    async def hears_nothing(*_: object) -> int:
        raise TimeoutError

    with monkeypatch.context() as patch:
        patch.setattr(admitting, "hold", hears_nothing)
        with pytest.raises(TimeoutError):
            await holding.look(1.0)
    await holding.look(2.0)
    assert await ends_in_ms(quiet, 1) > 2 * RINGING_MS
