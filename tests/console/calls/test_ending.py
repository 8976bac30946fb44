"""Ending a call: its brain is asked, or nobody is left to ask; and what became of it is true."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.calls import ending, live
from console.calls.ending import Ending, Means, why_not_asked
from console.calls.live import LiveCall
from shared.clock import wall_ms
from shared.contract import window
from shared.contract.card import CallState
from shared.contract.command import Command
from shared.contract.steps import Kept
from shared.contract.streams.control import HangUp, read_message
from shared.ownership import steps
from shared.settings import Settings
from shared.store.client import Store
from tests.support.redis_samples import (
    BRAIN,
    EGRESS,
    FIGURES,
    KEYS,
    ONE,
    make_call,
    make_living_call,
    make_worker,
)
from tests.support.top_samples import brain_window, call, crew, unreadable_call
from tests.support.waiting import wait_until

SOON_S = 0.3


async def hang_up(
    store: Store, *, within_s: float = SOON_S, force: bool = False, means: Means | None = None
) -> Ending:
    """Of the one call that is there."""
    found = await live.find_call(store, KEYS, ONE)
    return await ending.hang_up(store, KEYS, found, means or Means(), force=force, within_s=within_s)


async def card(store: Store) -> dict[str, str]:
    return await steps.read_card(store, KEYS, ONE)


async def messages(store: Store) -> list[object]:
    return [
        read_message(entry_id, fields).message for entry_id, fields in await store.xrange(KEYS.control(ONE))
    ]


async def test_a_brain_that_lives_is_asked_and_the_end_is_waited_for(store: Store) -> None:
    """It is not ended over the brain's head: a caller hears the end as it is meant."""
    await make_living_call(store, ONE)

    async def is_asked() -> bool:
        return bool(await messages(store))

    async def obey() -> None:
        await wait_until(is_asked, "the brain is asked")
        await steps.end(store, KEYS, ONE, outcome="hangup", by=BRAIN)

    became, _ = await asyncio.gather(hang_up(store, within_s=10), obey())

    assert became.done
    assert became.words.startswith("hung up (outcome hangup), ")
    assert became.words.endswith(" s after brain-0 was asked")
    assert (await messages(store))[0] == HangUp(reason="operator", farewell="")


async def test_a_brain_that_obeys_at_once_has_hung_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call is over before the command has heard that it was asked."""
    await make_living_call(store, ONE)
    execute = Store.execute

    async def obeyed(asked: Store, command: Command) -> Any:
        answer = await execute(asked, command)
        await steps.end(store, KEYS, ONE, outcome="hangup", by=BRAIN)
        return answer

    monkeypatch.setattr(Store, "execute", obeyed)

    became = await hang_up(store)

    assert became.done
    assert became.words.startswith("hung up (outcome hangup), ")


async def test_a_brain_that_does_not_obey_is_no_success(store: Store) -> None:
    """It says that nothing happened, and what to do."""
    await make_living_call(store, ONE)
    became = await hang_up(store)
    assert not became.done
    assert became.words.startswith("not hung up: brain-0 was asked 0 s ago, and the call goes on.")
    assert f"`trunkline hangup {ONE} --force` ends it" in became.words
    assert (await card(store))["state"] == "attached"


async def test_a_brain_that_dies_when_it_is_asked_is_not_waited_for_in_vain(store: Store) -> None:
    """Then it is as with one that was dead before."""
    await make_living_call(store, ONE)
    found = await live.find_call(store, KEYS, ONE)
    await store.delete(KEYS.worker(BRAIN))
    became = await ending.hang_up(store, KEYS, found, Means(), within_s=SOON_S)
    assert became.done
    assert "brain-0 is gone: nobody was there to be asked" in became.words


async def test_by_force_nobody_is_asked(store: Store) -> None:
    """The process that holds the stream closes it when it learns of the end."""
    await make_living_call(store, ONE)
    became = await hang_up(store, force=True)
    assert became.done
    assert "nobody was asked (--force)" in became.words
    assert became.words.endswith("ingress-0 closes the stream within seconds")
    assert (await card(store))["outcome"] == "operator"
    assert HangUp(reason="operator", farewell="") not in await messages(store)


@pytest.mark.parametrize("egress", ["", EGRESS])
async def test_a_call_that_nobody_owns_is_ended(store: Store, egress: str) -> None:
    """Its place in the list and its slot are free, and the user's systems hear of it."""
    await make_call(store, ONE, wall_ms() - 60_000, brain="", egress=egress)
    await make_worker(store, "brain-9@h#1")
    await store.zadd(KEYS.slots(0), {ONE: float(wall_ms() + 60_000)})

    became = await hang_up(store, means=Means(tell=True, kept=Kept(ttl_ms=90_000, most=10)))

    assert became == Ending(
        done=True, words="ended (outcome operator), its place is free: no brain: nobody was there to be asked"
    )
    found = await card(store)
    assert (found["state"], found["outcome"]) == ("ended", "operator")
    assert await store.zcard(KEYS.live(0)) == await store.zcard(KEYS.slots(0)) == 0
    assert await store.xlen(KEYS.hooks(0)) == 1
    assert 89_000 < await store.pttl(KEYS.card(ONE)) <= 90_000


async def test_a_call_whose_brain_is_dead_is_ended(store: Store) -> None:
    """Nobody reads what the brain is asked."""
    await make_living_call(store, ONE, brain="brain-7@h#dead")
    became = await hang_up(store)
    assert became.done
    assert "brain-7 is gone: nobody was there to be asked" in became.words


async def test_a_call_of_an_old_snapshot_is_ended(store: Store) -> None:
    """Its brain lives, and knows nothing of it."""
    old_ms = wall_ms() - 900_000
    await make_living_call(store, "CA" + "2" * 32)
    await make_call(store, ONE, old_ms, egress=EGRESS, pipeline=window.dump(FIGURES))
    became = await hang_up(store)
    assert became.done
    assert "no word from brain-0 for 900 s" in became.words


async def test_a_call_without_a_card_is_taken_off_the_list(store: Store) -> None:
    """There is nothing to end."""
    await make_call(store, ONE, 1_000)
    await store.delete(KEYS.card(ONE))
    became = await hang_up(store)
    assert became.done
    assert became.words == "taken off the list of live calls, its place is free: its card was gone"
    assert await store.zcard(KEYS.live(0)) == 0


async def test_what_is_over_cannot_be_ended(store: Store) -> None:
    """Before it was asked for, or meanwhile: the first comer's outcome stands, and it is said."""
    await make_living_call(store, ONE)
    found = await live.find_call(store, KEYS, ONE)
    await steps.end(store, KEYS, ONE, outcome="completed", by="me")
    over = Ending(done=False, words="has ended (outcome completed)")
    assert await ending.hang_up(store, KEYS, found, Means(), within_s=SOON_S) == over
    assert await ending.hang_up(store, KEYS, found, Means(), force=True, within_s=SOON_S) == over
    assert await hang_up(store) == over


def test_whether_a_brain_is_asked() -> None:
    """While it lives, speaks of the call, and somebody holds the stream that is to be closed."""
    assert why_not_asked(call(5), force=False) == ""
    assert why_not_asked(call(5, crew=crew(egress_0=9_000)), force=False) == ""
    lost = call(5, crew=crew(ingress_0=9_000))
    assert why_not_asked(lost, force=False) == "ingress-0 is gone: nobody held its stream"
    away = call(5, crew=crew(ingress_0=9_000), state=CallState.DETACHED)
    assert why_not_asked(away, force=False) == ""
    slow = call(5, w_brain=brain_window(at_ms=brain_window().at_ms - 9_000))
    assert why_not_asked(slow, force=False) == ""
    assert why_not_asked(unreadable_call(9), force=False) == ""
    assert isinstance(lost, LiveCall)


def test_the_settings_say_what_stays() -> None:
    """And whether somebody is told."""
    settings = Settings(
        _env_file=None, ended_keep_s=60, ended_most=5, webhook_url="https://example.com", webhook_secret="x"
    )
    assert Means.of(settings) == Means(tell=True, kept=Kept(ttl_ms=60_000, most=5))
    assert not Means.of(Settings(_env_file=None)).tell
