"""Rows of what is wrong outside."""

from __future__ import annotations

from proofs.prove.chaos.faults import HostLost, RedisFault, RedisIs
from proofs.prove.chaos.outer_rows import outer_rows, rows_of_settings

ROWS = [*outer_rows(), *rows_of_settings()]


def test_all_that_redis_can_be_is_tried() -> None:
    """Each once."""
    found = [row.fault.kind for row in ROWS if isinstance(row.fault, RedisFault)]
    assert sorted(found) == sorted(RedisIs)


def test_where_nobody_died_no_call_changes_hands() -> None:
    """But where Redis has lost who has it, where a host vanishes, or where it is long enough for a death."""
    free = {row.name for row in ROWS if row.bounds.owners is None}
    assert free == {"redis-restarted", "redis-emptied", "abandoned"}
    taken = {row.name for row in ROWS if row.bounds.owners == 2}
    assert taken == {
        "paused-brain", "paused-brain-cut", "paused-egress", "paused-egress-cut",
        "vanished-brain", "vanished-egress",
    }  # fmt: skip


def test_a_host_of_each_role_vanishes() -> None:
    """Its second process is on that host, and all else is not."""
    assert {(row.far, row.role) for row in ROWS if isinstance(row.fault, HostLost)} == {
        ("ingress", "ingress"),
        ("brain", "brain"),
        ("egress", "egress"),
    }


def test_what_one_call_may_notice_has_a_neighbour() -> None:
    """Whom it is not allowed to reach."""
    for row in ROWS:
        assert row.calls >= 2
        if row.is_of_one_call:
            assert row.calls == 2
