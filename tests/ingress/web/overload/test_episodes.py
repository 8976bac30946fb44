"""Of many refusals, which get a line."""

from __future__ import annotations

from ingress.web.overload.episodes import QUIET_MS, EpisodeOver, RefusedCalls


def test_an_episode_is_two_lines_however_many_are_refused() -> None:
    """The first refusal, and the end with their number."""
    episodes = RefusedCalls()
    assert episodes.refused("full", 0.0)
    assert not any(episodes.refused("full", at_ms) for at_ms in range(10, 5_000, 10))
    assert episodes.over(4_990 + QUIET_MS - 1) == []
    assert episodes.over(4_990 + QUIET_MS) == [EpisodeOver("full", 500, 4_990.0)]
    assert episodes.over(60_000) == []
    assert episodes.refused("full", 60_001)


def test_each_reason_has_its_own() -> None:
    """One does not hide the other."""
    episodes = RefusedCalls()
    assert episodes.refused("full", 0.0)
    assert episodes.refused("late", 1.0)
    assert not episodes.refused("late", QUIET_MS)
    assert [each.reason for each in episodes.over(QUIET_MS)] == ["full"]
