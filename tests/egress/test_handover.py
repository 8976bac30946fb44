"""To whom calls go: the least loaded live sibling."""

from __future__ import annotations

import dataclasses

import pytest

from egress.handover import FRESH_MS, choose
from shared.contract.record import CONTRACT
from shared.contract.worker import Beat
from shared.ownership.workers import SeenWorker

OWN = "egress-0@h#1"
SIBLING, OTHER = "egress-1@h#2", "egress-2@h#3"
BEAT = Beat(
    beat=1, at_ms=0, host="h", pid=1, role="egress", calls=0, capacity=10, loop_lag_ms=0.0,
    draining=False, version="1", contract=CONTRACT, admin_port=0, pid_started=0, boot_id="", pid_ns=0,
)  # fmt: skip


def seen(name: str, calls: int = 0) -> SeenWorker:
    return SeenWorker(name, dataclasses.replace(BEAT, calls=calls))


def test_the_least_loaded_sibling_is_chosen() -> None:
    """Of two that could, the one with fewer calls; what their hosts' clocks say is nothing to us."""
    workers = [seen(OWN), seen(SIBLING, 5), seen(OTHER, 2)]
    silent_ms = {OWN: 0.0, SIBLING: 0.0, OTHER: FRESH_MS - 1}

    assert choose(workers, silent_ms, own=OWN, role="egress") == OTHER


@pytest.mark.parametrize(
    "beat",
    [
        dataclasses.replace(BEAT, role="brain"),
        dataclasses.replace(BEAT, calls=10),
        dataclasses.replace(BEAT, draining=True),
        None,
    ],
)
def test_nobody_fit_is_nobody(beat: Beat | None) -> None:
    """Of another role, full, draining, or without a beat that can be read."""
    assert choose([SeenWorker(SIBLING, beat)], {SIBLING: 0.0}, own=OWN, role="egress") is None


@pytest.mark.parametrize("silent_ms", [{}, {SIBLING: FRESH_MS}], ids=["never seen to beat", "silent"])
def test_who_was_not_seen_to_beat_is_not_fit(silent_ms: dict[str, float]) -> None:
    """A hash that stands in Redis is no life."""
    assert choose([seen(SIBLING)], silent_ms, own=OWN, role="egress") is None


def test_we_are_no_rival_of_ours() -> None:
    """However little we have to do."""
    assert choose([seen(OWN)], {OWN: 0.0}, own=OWN, role="egress") is None
