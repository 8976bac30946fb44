"""The figures of a sitting for people and for programs: Markdown, JSON.

Why it exists: a figure that stands in a page must be one that a command wrote. Owns: both forms. Pure. Must
not know: how a figure came about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import orjson

from proofs.bench.judging import Figures
from proofs.bench.medians import Row
from proofs.bench.order import CLUSTER, PLAIN, REDIS, VARIANTS

TITLES = {
    "trunkline": "Trunkline",
    "leanest": "the leanest bridge",
    "sample": "the shape of Twilio's sample",
    "agents": "`openai-agents`",
    "pipecat": "`pipecat-ai`",
    "given": "the given server",
    "unwatched": "Trunkline without diagnostics",
    "recorded": "Trunkline, every call recorded",
    "viewed": "Trunkline, its console in three tabs",
    **{name: f"Trunkline on a Cluster, {lanes} lanes" for name, lanes in CLUSTER.items()},
}

UNKNOWN = "–"
"""What cannot be told of a system."""

COLUMNS: Sequence[tuple[str, Sequence[str], int]] = (
    ("CPU ms a call-second", ("cpu_call_second_ms",), 2),
    ("callers, model: CPU", ("callers_cpu_ms", "model_cpu_ms"), 2),
    ("response p50, p99, ms", ("response_p50_ms", "response_p99_ms"), 0),
    ("barge-in to `clear` p50, p99, ms", ("barge_in_p50_ms", "barge_in_p99_ms"), 0),
    ("turns / lost", ("turns", "turns_lost"), 0),
    ("unanswered", ("unanswered",), 0),
    ("holes", ("holes",), 0),
    ("bytes lost", ("bytes_lost",), 0),
    ("behind the pacer's schedule p99, ms", ("schedule_p99_ms",), 1),
    ("PSS, MiB", ("pss_mib",), 0),
    ("XLEN `caller` p95", ("caller_xlen_p95",), 0),
    ("callers' own lateness, ms", ("simulators_late_ms",), 0),
)
"""Header, names of the figures in it, decimals. What is compared stands between the first and the rest."""


def to_json(rows: Sequence[Row], figures: Sequence[Figures], about: Mapping[str, object]) -> bytes:
    """Everything: what was run, medians, each run."""
    document = {
        "about": dict(about),
        "medians": [asdict(row) for row in rows],
        "runs": [asdict(each) for each in figures],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)


def to_markdown(
    rows: Sequence[Row],
    about: Mapping[str, object],
    left_out: Mapping[str, str],
    missed: Sequence[str] = (),
) -> str:
    """A table for each number of calls, and CPU by process; then what was asked and is not reached."""
    lines = ["# make bench", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    lines += [f"- left out: {TITLES[system]}. {_first_line(why)}" for system, why in left_out.items()]
    for calls in dict.fromkeys(row.calls for row in rows):
        own = [row for row in rows if row.calls == calls]
        lines += ["", f"## {calls} calls", "", *_table(own), "", *_by_process(own), *_beside_plain(own)]
    if missed:
        lines += ["", "## Targets missed", "", *[f"- {line}" for line in missed]]
    troubled = [row for row in rows if row.trouble]
    if troubled:
        lines += ["", "## Trouble", ""]
        lines += [
            f"- {TITLES[row.system]}, {row.calls} calls: {text}" for row in troubled for text in row.trouble
        ]
    return "\n".join(lines) + "\n"


def short(figures: Figures) -> str:
    """One load in a line."""
    told = {
        "CPU ms a call-second": _number(figures.cpu_call_second_ms, 2),
        "of callers, model": f"{figures.callers_cpu_ms:.2f}, {figures.model_cpu_ms:.2f}",
        "response ms": f"{_number(figures.response_p50_ms, 0)}, {_number(figures.response_p99_ms, 0)}",
        "barge-in ms": f"{_number(figures.barge_in_p50_ms, 0)}, {_number(figures.barge_in_p99_ms, 0)}",
        "turns, lost": f"{figures.turns}, {figures.turns_lost}",
        "holes": str(figures.holes),
        "bytes lost": _number(figures.bytes_lost, 0),
    }
    return "; ".join(f"{name} {value}" for name, value in told.items())


# Private.


def _table(rows: Sequence[Row]) -> list[str]:
    (cost, *rest) = COLUMNS
    compared = ["× leanest", "response added p50, p99, ms"]
    header = ["system", cost[0], *compared, *(title for title, *_ in rest)]
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = [TITLES[row.system], _cell(row, cost), _number(row.cpu_ratio, 2)]
        cells.append(f"{_number(row.added_p50_ms, 0)}, {_number(row.added_p99_ms, 0)}")
        cells += [_cell(row, column) for column in rest]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _by_process(rows: Sequence[Row]) -> list[str]:
    """Of systems with more than one."""
    lines = []
    for row in rows:
        if len(row.cpu_ms) > 1:
            parts = ", ".join(f"{name} {used:.2f}" for name, used in sorted(row.cpu_ms.items()))
            lines.append(f"CPU ms a call-second of {TITLES[row.system]}, by process: {parts}.")
    return lines


def _beside_plain(rows: Sequence[Row]) -> list[str]:
    """What a variant of ours costs: the processes that plain Trunkline has too with all servers of its Redis,
    the caller, the pacing."""
    plain = next((row for row in rows if row.system == PLAIN), None)
    lines = []
    for row in rows:
        if plain is None or row.system not in VARIANTS:
            continue
        cost, least = (_of_roles_and_redis(of, plain) for of in (row, plain))
        late, before = (of.numbers["schedule_p99_ms"] for of in (row, plain))
        answered, usual = (_number(of.numbers["response_p50_ms"], 0) for of in (row, plain))
        lines.append(
            f"{TITLES[row.system]}: CPU of roles and Redis {_ratio(cost, least)} × Trunkline alone"
            f" ({cost:.2f}, {least:.2f} ms a call-second); response p50 {answered}, {usual} ms;"
            f" behind the pacer's schedule p99 {_ratio(late, before)} × ({_number(late, 1)},"
            f" {_number(before, 1)} ms)."
        )
    return lines


def _of_roles_and_redis(row: Row, plain: Row) -> float:
    return sum(ms for name, ms in row.cpu_ms.items() if name in plain.cpu_ms or name.startswith(REDIS))


def _cell(row: Row, column: tuple[str, Sequence[str], int]) -> str:
    _, names, decimals = column
    return ", ".join(_number(row.numbers[name], decimals) for name in names)


def _ratio(value: float | None, base: float | None) -> str:
    return UNKNOWN if value is None or not base else _number(value / base, 3)


def _number(value: float | None, decimals: int) -> str:
    # Adding 0.0 takes the sign off a zero.
    return UNKNOWN if value is None else f"{round(value, decimals) + 0.0:,.{decimals}f}"


def _first_line(text: str) -> str:
    return text.splitlines()[0]
