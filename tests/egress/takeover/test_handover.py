"""To whom calls go: to live siblings that have room, the least loaded first."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from egress.takeover.handover import FRESH_MS, Heirs, find_heirs
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


def heirs_of(workers: Sequence[SeenWorker], silent_ms: dict[str, float] | None = None) -> Heirs:
    """With two more than its capacity for those whose caller is on the line."""
    silent_ms = {worker.name: 0.0 for worker in workers} if silent_ms is None else silent_ms
    return find_heirs(workers, silent_ms, own=OWN, role="egress", room=lambda capacity: capacity + 2)


def test_calls_go_to_the_least_loaded_sibling_with_what_it_was_given_since() -> None:
    """What their hosts' clocks say is nothing to us."""
    workers = [seen(OWN), seen(SIBLING, 4), seen(OTHER, 2)]
    heirs = heirs_of(workers, {OWN: 0.0, SIBLING: 0.0, OTHER: FRESH_MS - 1})

    assert [heirs.take() for _ in range(4)] == [OTHER, OTHER, SIBLING, OTHER]


def test_above_its_capacity_a_sibling_gets_calls_only_where_all_are_full() -> None:
    """Their callers are on the line; but there is a limit."""
    heirs = heirs_of([seen(SIBLING, 9), SeenWorker(OTHER, dataclasses.replace(BEAT, calls=3, capacity=3))])

    assert [heirs.take() for _ in range(6)] == [SIBLING, OTHER, OTHER, SIBLING, SIBLING, None]
    assert heirs.is_anybody


@pytest.mark.parametrize(
    "beat", [dataclasses.replace(BEAT, role="brain"), dataclasses.replace(BEAT, draining=True), None]
)
def test_nobody_fit_is_nobody(beat: Beat | None) -> None:
    """Of another role, draining, or without a beat that can be read."""
    heirs = heirs_of([SeenWorker(SIBLING, beat)])

    assert (heirs.is_anybody, heirs.take()) == (False, None)


@pytest.mark.parametrize("silent_ms", [{}, {SIBLING: FRESH_MS}], ids=["never seen to beat", "silent"])
def test_who_was_not_seen_to_beat_is_not_fit(silent_ms: dict[str, float]) -> None:
    """A hash that stands in Redis is no life."""
    assert not heirs_of([seen(SIBLING)], silent_ms).is_anybody


def test_we_are_no_heir_of_ours() -> None:
    """However little we have to do."""
    assert not heirs_of([seen(OWN)]).is_anybody
