"""What a fault does to others, and leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from egress.pacing.pacer import AHEAD_MS, LEAD_MS
from proofs.prove.chaos.evidence.finding import Finding
from proofs.prove.chaos.evidence.leftovers import base_line, late_finding, late_ms, lateness, queues, tools
from proofs.prove.chaos.evidence.shapes import Census, Length, ToolRun
from tests.proofs.prove.chaos.evidence import made

ROW = made.row(made.healthy())


def broken(findings: Iterable[Finding]) -> dict[str, float]:
    """What is above its bound, with its figure."""
    return {each.what: each.figure for each in findings if each.is_broken}


def run(call_id: str, arguments: str = '{"a":1}', call_sid: str = made.SID) -> ToolRun:
    """The tool ran."""
    return ToolRun(at_ms=0, call_sid=call_sid, call_id=call_id, arguments=arguments)


def test_a_tool_that_ran_twice_is_found() -> None:
    """By the id of its call; and by the wish, which a new session gives another id."""
    assert (
        broken(tools(replace(ROW, tool_runs=[run("a"), run("b", '{"a":2}'), run("c", call_sid="CA")]))) == {}
    )
    twice = [run("a"), run("a", call_sid="CA")]
    assert broken(tools(replace(ROW, tool_runs=twice))) == {"runs of one tool call": 2}
    again = [run("a"), run("b")]
    assert broken(tools(replace(ROW, tool_runs=again))) == {"runs of a tool for one wish of a caller": 2}


def test_a_queue_that_stays_long_is_found() -> None:
    """Once the call is in order again; what waits during the fault is what the queue is for."""

    def sampled(at_ms: float, caller: int) -> dict[str, float]:
        lengths = [Length(at_ms + at, made.SID, caller, 0) for at in range(10)]
        call = replace(made.healthy(), ended_ms=30_000.0)
        return broken(queues(replace(made.row(call, back_ms=9_000.0), lengths=lengths)))

    assert sampled(8_500.0, 90) == {}
    assert sampled(15_000.0, 4) == {}
    assert sampled(15_000.0, 90) == {"XLEN of caller, p95": 90}
    assert sampled(40_000.0, 90) == {}, "after the end of the call"


def test_what_stays_behind_is_found() -> None:
    """Keys and sessions to the last one; descriptors, tasks and memory beyond what varies."""
    before = Census(
        keys={"caller": 0, "worker": 6},
        fds={"brain-0": 30},
        tasks={"brain-0": 20},
        rss_bytes={"brain-0": 100 * 2**20},
    )
    same = replace(ROW, before=before, after=before)
    assert broken(base_line(same)) == {}
    after = Census(
        keys={"caller": 1, "worker": 6},
        fds={"brain-0": 60},
        tasks={"brain-0": 40},
        rss_bytes={"brain-0": 200 * 2**20},
        sessions=1,
    )
    assert broken(base_line(replace(same, after=after))) == {
        "keys: caller": 1,
        "sessions of the model": 1,
        "descriptors": 60,
        "tasks": 40,
        "memory": 200,
    }


def test_late_frames_of_other_calls_are_found() -> None:
    """Those of calls that were hit are another promise's."""
    lead = [-20.0 * at for at in range(round((LEAD_MS + AHEAD_MS) / 20))]
    late = 8 * [*lead, *[-LEAD_MS] * 90, *[20.0 - LEAD_MS] * 10, 0.0, *lead, *[10.0 - LEAD_MS] * 90, 0.0]
    assert broken(lateness(made.row(made.call(is_hit=True, lateness_ms=late)))) == {}
    found = broken(lateness(made.row(made.call(is_hit=False, lateness_ms=late))))
    assert found == {"lateness of other calls' frames, p99": 20.0}
    few = made.row(made.call(is_hit=False, lateness_ms=late[:200]))
    assert list(lateness(few)) == []
    assert late_finding(late_ms(few)).is_broken


def test_frames_of_a_group_are_as_late_as_the_group() -> None:
    """The first of three has 260 ms in hand, the others more: that is no lateness. A group that comes 15 ms
    later than the others is late with all of its frames."""
    lead = [-20.0 * at for at in range(round((LEAD_MS + AHEAD_MS) / 20))]
    on_time, late = [-260.0, -280.0, -300.0], [-245.0, -265.0, -285.0]
    call = made.call(is_hit=False, lateness_ms=[0.0, *lead[1:], *30 * on_time, *late, *30 * on_time])

    found = late_ms(made.row(call))

    assert sorted(found)[-4:] == [0.0, 15.0, 15.0, 15.0]
