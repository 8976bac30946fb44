"""The doctor's rules about workers: by their beats in Redis, and no more than these say."""

from __future__ import annotations

from console.doctor import workers as rules
from console.doctor.findings import Level
from tests.support.top_samples import silent_worker, unreadable_worker, worker, workers


def test_all_workers_alive() -> None:
    """A finding for each role, and no other."""
    found = rules.judge_workers(workers())
    assert [(each.what, each.level) for each in found] == [
        ("ingress workers", Level.OK),
        ("brain workers", Level.OK),
        ("egress workers", Level.OK),
    ]
    assert found[0].found == "2 alive on 1 host, 2 of 200 calls"


def test_a_role_that_nobody_serves_fails() -> None:
    """All silent, or all draining: no call can be served."""
    others = [row for row in workers() if row.beat.role != "brain"]
    silent = [silent_worker("brain-0"), silent_worker("brain-1"), *others]
    found = {each.what: each for each in rules.judge_workers(silent)}
    assert found["brain workers"].level is Level.FAIL
    assert found["silent workers"].level is Level.WARN
    assert "brain-0@box#a1" in found["silent workers"].found
    others = [row for row in workers() if row.beat.role != "egress"]
    drained = [worker(f"egress-{number}", draining=True) for number in (0, 1)] + others
    assert {each.what: each.found for each in rules.judge_workers(drained)}["egress workers"] == "all drain"


def test_many_silent_workers_are_not_all_named() -> None:
    """The first, and how many more."""
    rows = [*workers(), *(silent_worker(f"brain-{number}") for number in range(2, 20))]
    found = rules.judge_workers(rows)[-1]
    assert found.found.endswith("and 12 more")


def test_a_worker_that_cannot_be_read_is_warned_of() -> None:
    """By name, with the problem; it serves nobody that we know of."""
    found = rules.judge_workers([*workers(), unreadable_worker("brain-2")])
    assert [(each.what, each.level) for each in found if each.level is not Level.OK] == [
        ("worker brain-2@box#a1", Level.WARN)
    ]
    assert "in contract of Beat" in found[-1].found
    alone = {each.what: each.level for each in rules.judge_workers([unreadable_worker("brain-2")])}
    assert alone["brain workers"] is Level.FAIL


def test_two_versions_at_once_are_an_unfinished_roll() -> None:
    """Both are named."""
    rows = [*workers(), worker("brain-2", version="0.2.0")]
    assert rules.judge_workers(rows)[-1].found == "0.1.0, 0.2.0 at once"


def test_of_a_silent_worker_only_what_is_known_is_said() -> None:
    """How long it has shown no beat, and which calls are still its own; not what became of them."""
    silent = silent_worker("brain-2")
    (found,) = [each for each in rules.judge_workers([*workers(), silent]) if each.level is Level.WARN]
    assert found.found == "brain-2@box#a1 (no beat for 60 s)"
    assert "taken their calls" not in found.do
    owned = {silent.name: 3}
    (found,) = [each for each in rules.judge_workers([*workers(), silent], owned) if each.level is Level.FAIL]
    assert found.found == "brain-2@box#a1 (no beat for 60 s, still owner of 3 calls)"
    assert "`trunkline calls`" in found.do


def test_while_redis_takes_no_writes_nobody_can_show_a_beat() -> None:
    """So silence says nothing of the processes, and to start more of them mends nothing."""
    silent = [silent_worker(f"{role}-0") for role in ("ingress", "brain", "egress")]
    found = rules.judge_workers(silent, {silent[0].name: 3}, takes_writes=False)
    assert {each.do for each in found} == {rules.NO_WRITES}
