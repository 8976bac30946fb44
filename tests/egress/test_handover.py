"""To whom calls go: the least loaded live sibling."""

from __future__ import annotations

import pytest

from egress.handover import choose

OWN = "egress-0@h#1"


def worker(calls: int = 0, **other: str) -> dict[str, str]:
    return {"calls": str(calls), "capacity": "10", "at_ms": "100000", "draining": "0", **other}


def test_the_least_loaded_sibling_is_chosen() -> None:
    """Of two that could, the one with fewer calls."""
    workers = [(OWN, worker(0)), ("egress-1@h#2", worker(5)), ("egress-2@h#3", worker(2))]

    assert choose(workers, own=OWN, role="egress", wall_ms=100_500) == "egress-2@h#3"


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("brain-0@h#2", worker()),
        ("egress-1@h#2", worker(10)),
        ("egress-1@h#2", worker(draining="1")),
        ("egress-1@h#2", worker(at_ms="90000")),
        ("egress-1@h#2", {}),
        ("nonsense", worker()),
    ],
)
def test_nobody_fit_is_nobody(name: str, figures: dict[str, str]) -> None:
    """Of another role, full, draining, silent, without figures, or no worker at all."""
    assert choose([(name, figures)], own=OWN, role="egress", wall_ms=100_000) is None
