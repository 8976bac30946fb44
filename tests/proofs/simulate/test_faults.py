"""Schedules of faults."""

from __future__ import annotations

from itertools import pairwise

from proofs.simulate.faults import (
    AT_ANY_STEP,
    CALM_S,
    MOMENTS,
    OF_BRAINS,
    OF_INGRESS,
    OF_ROLES,
    What,
    drawn,
)


def test_a_seed_is_a_schedule() -> None:
    """The same each time, and another one for another seed."""
    options = {"workers": 2, "seconds": 120.0, "every_s": 10.0}
    assert drawn(1, list(What), **options) == drawn(1, list(What), **options)  # type: ignore[arg-type]
    assert drawn(1, list(What), **options) != drawn(2, list(What), **options)  # type: ignore[arg-type]


def test_faults_do_not_overlap_and_end_in_time() -> None:
    """One that lasts is over before the next begins, and all are before the end."""
    for seed in range(200):
        found = drawn(seed, list(What), workers=2, seconds=90.0, every_s=5.0)
        assert found
        assert found[0].at_s > CALM_S
        assert found[-1].at_s + found[-1].lasts_s <= 90.0
        assert all(one.at_s + one.lasts_s <= after.at_s + 0.001 for one, after in pairwise(found))


def test_every_kind_is_drawn_with_a_fitting_target() -> None:
    """A role's fault names a process of that many, Redis's none."""
    found = [
        each for seed in range(100) for each in drawn(seed, list(What), workers=2, seconds=90, every_s=5)
    ]
    assert {each.what for each in found} == set(What)
    for each in found:
        assert (each.lasts_s == 0) == (each.what in MOMENTS)
        assert (each.after_steps > 0) == (each.what in AT_ANY_STEP)
        role, _, number = each.target.rpartition("-")
        assert (role in ("ingress", "brain", "egress")) == (number in ("0", "1"))
        assert bool(role) == (each.what in OF_ROLES | OF_BRAINS | OF_INGRESS)
        assert role == "brain" or each.what not in OF_BRAINS
        assert role == "ingress" or each.what not in OF_INGRESS


def test_no_kinds_are_no_faults() -> None:
    """A calm run is a run, too."""
    assert drawn(1, [], workers=2, seconds=90.0, every_s=5.0) == []
