"""Those who ring: their pace, their webhooks, what each was answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proofs.prove.openings import ringers
from proofs.prove.openings.ringers import Rung, read_rung, ring, rung, rung_line
from tests.ingress.harness import Ingress, ingress
from tests.proofs.prove.hostile.test_attacks import target
from tests.support.servers import free_port


@pytest.fixture
async def full(valkey_url: str) -> AsyncIterator[Ingress]:
    """An ingress whose only line is taken."""
    async with ingress(valkey_url, max_calls=1) as bridge:
        await bridge.token(1)
        yield bridge


async def test_each_call_is_refused_in_words_and_its_end_told(
    full: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the pace that is asked for."""
    monkeypatch.setattr(ringers, "LIVES_S", 0.01)
    found = await ring(target(full.port), 20.0, 0.5)
    assert (found.ends, found.statuses) == (Counter(busy=10), Counter({"204": 10}))
    assert found.seconds >= 0.45
    assert 0 < found.answered_p50_ms <= found.answered_p99_ms


async def test_who_is_let_in_or_not_answered_is_told_too(valkey_url: str) -> None:
    """It is no refusal in words."""
    async with ingress(valkey_url) as bridge:
        assert (await ring(target(bridge.port), 10.0, 0.2)).ends == Counter(stream=2)
        wrong = replace(target(bridge.port), auth_token="another")
        assert (await ring(wrong, 10.0, 0.1)).ends == Counter({"403": 1})
    assert (await ring(target(free_port()), 10.0, 0.1)).ends == Counter(cut=1)


async def test_a_process_rings_and_says_what_came_of_it(full: Ingress) -> None:
    """Other machines, in life."""
    found = await rung(target(full.port), 10.0, 0.3)
    assert (found.ends, found.statuses) == (Counter(busy=3), Counter({"204": 3}))


def test_what_came_of_it_is_read_as_it_was_written() -> None:
    """One line."""
    found = Rung(ends=Counter(busy=2), statuses=Counter({"204": 2}), seconds=1.0, late=1, answered_p99_ms=3.0)
    assert read_rung(rung_line(found)) == found
