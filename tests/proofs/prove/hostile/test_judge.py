"""What is promised of calls under attack, on figures written by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from proofs.prove.hostile.judge import MIB, Left, Played, broken, grown_mib

MAY_END = {"idle": frozenset({"cut"})}


@dataclass
class Calls:
    """Of clean calls."""

    calls: int = 20
    sessions: int = 20
    frames: int = 10_000
    holes: int = 0
    turns: int = 100
    lost_turns: int = 0
    wrong: list[str] = field(default_factory=list)
    p99_ms: float = 2.0


def played() -> Played:
    """All promises kept."""
    return Played(
        alone=Calls(),
        attacked=Calls(p99_ms=11.0),
        rss_bytes=[{"brain-0": 70 * MIB}, {"brain-0": 73 * MIB}],
        before=Left({"brain-0": 16}, {"brain-0": 14}, 0),
        after=Left({"brain-0": 20}, {"brain-0": 15}, 0),
        restarted=[],
        foreign_sessions=0,
        ends={"idle": {"cut": 5}},
        obeyed=3,
        deeds=[],
        leaks=[],
    )


def test_what_is_kept() -> None:
    """Nothing to say."""
    assert broken(played(), MAY_END) == []


def changed(change: Callable[[Played], object]) -> list[str]:
    found = played()
    change(found)
    return broken(found, MAY_END)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda found: setattr(found, "attacked", Calls(p99_ms=12.1)), "late"),
        (lambda found: setattr(found, "attacked", Calls(holes=11)), "holes"),
        (lambda found: setattr(found, "attacked", Calls(lost_turns=1)), "turns lost"),
        (lambda found: setattr(found, "attacked", Calls(wrong=["a", "b"])), "wrong under attack: 2"),
        (lambda found: setattr(found, "alone", Calls(wrong=["a"])), "wrong without attacks: 1"),
        (lambda found: setattr(found, "attacked", Calls(calls=0)), "no clean call"),
        (lambda found: setattr(found, "alone", Calls(frames=0)), "no frame"),
        (lambda found: setattr(found, "rss_bytes", [{"a": 70 * MIB}, {"a": 75 * MIB}]), "a grew by 5.0 MiB"),
        (lambda found: setattr(found, "rss_bytes", [{"a": 1}]), "less than twice"),
        (lambda found: setattr(found, "after", Left({"brain-0": 25}, {"brain-0": 14})), "25 descriptors"),
        (lambda found: setattr(found, "after", Left({"brain-0": 16}, {"brain-0": 19})), "19 tasks"),
        (lambda found: setattr(found, "after", Left(open_sessions=1)), "1 sessions were left open"),
        (lambda found: setattr(found, "restarted", ["egress-1"]), "egress-1"),
        (lambda found: setattr(found, "foreign_sessions", 2), "2 sessions were opened for attackers"),
        (lambda found: setattr(found, "obeyed", 0), "nothing is shown"),
        (lambda found: setattr(found, "deeds", ["Dial +1"]), "became a deed: Dial +1"),
        (lambda found: setattr(found, "leaks", ["the API key stands in x"]), "the API key stands in x"),
        (lambda found: setattr(found, "ends", {}), "idle: no attempt was made"),
        (lambda found: setattr(found, "ends", {"idle": {"cut": 1, "held": 2}}), "2 attempts ended as 'held'"),
        (lambda found: setattr(found, "ends", {"idle": {"cut": 1}, "new": {"x": 1}}), "new: 1 attempts"),
    ],
)
def test_what_is_broken(change: Callable[[Played], object], word: str) -> None:
    """Each promise by itself."""
    (sentence,) = changed(change)
    assert word in sentence


def test_growth_is_from_the_most_of_one_half_to_the_most_of_the_other() -> None:
    """A process that came later has not grown."""
    looks = [{"a": 10 * MIB}, {"a": 12 * MIB}, {"a": 11 * MIB, "b": 9 * MIB}, {"a": 14 * MIB}]
    assert grown_mib(looks) == {"a": 2.0}
    assert grown_mib([]) == {}
