"""To whom calls go: the least loaded live sibling."""

from __future__ import annotations

import dataclasses

import pytest

from egress.handover import FRESH_MS, choose
from shared.contract.worker import Beat
from shared.ownership.workers import SeenWorker

OWN = "egress-0@h#1"
NOW_MS = 100_000
BEAT = Beat(
    beat=1, at_ms=NOW_MS, host="h", pid=1, role="egress", calls=0, capacity=10, loop_lag_ms=0.0,
    draining=False, version="1", contract=1, admin_port=0,
)  # fmt: skip


def seen(name: str, calls: int = 0) -> SeenWorker:
    return SeenWorker(name, dataclasses.replace(BEAT, calls=calls))


def test_the_least_loaded_sibling_is_chosen() -> None:
    """Of two that could, the one with fewer calls."""
    workers = [seen(OWN), seen("egress-1@h#2", 5), seen("egress-2@h#3", 2)]

    assert choose(workers, own=OWN, role="egress", wall_ms=NOW_MS + FRESH_MS - 1) == "egress-2@h#3"


@pytest.mark.parametrize(
    "beat",
    [
        dataclasses.replace(BEAT, role="brain"),
        dataclasses.replace(BEAT, calls=10),
        dataclasses.replace(BEAT, draining=True),
        dataclasses.replace(BEAT, at_ms=NOW_MS - FRESH_MS),
        None,
    ],
)
def test_nobody_fit_is_nobody(beat: Beat | None) -> None:
    """Of another role, full, draining, silent, or without a beat that can be read."""
    assert choose([SeenWorker("egress-1@h#2", beat)], own=OWN, role="egress", wall_ms=NOW_MS) is None


def test_we_are_no_rival_of_ours() -> None:
    """However little we have to do."""
    assert choose([seen(OWN)], own=OWN, role="egress", wall_ms=NOW_MS) is None
