"""The figures of a sitting as a picture: cost, what is added, barge-in and memory over the number of calls.

Why it exists: a table of forty rows shows no bend. Owns: the picture. Must not know: how a figure came about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from proofs.bench.medians import Row
from proofs.bench.report import TITLES

SIZE_INCHES = (12.0, 8.0)
DPI = 120

PANELS: Sequence[tuple[str, Callable[[Row], float | None]]] = (
    ("CPU, ms a call-second", lambda row: row.numbers["cpu_call_second_ms"]),
    ("response added to the leanest bridge, p99, ms", lambda row: row.added_p99_ms),
    ("barge-in to clear, p99, ms", lambda row: row.numbers["barge_in_p99_ms"]),
    ("PSS, MiB", lambda row: row.numbers["pss_mib"]),
)


def series(rows: Sequence[Row], value: Callable[[Row], float | None]) -> dict[str, list[tuple[int, float]]]:
    """(Calls, value) by system; what cannot be told is left out."""
    found: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        told = value(row)
        if told is not None:
            found.setdefault(row.system, []).append((row.calls, told))
    return found


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes the PNG."""
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    for number, (title, value) in enumerate(PANELS, 1):
        axes = figure.add_subplot(2, 2, number)
        _panel(axes, title, series(rows, value))
    figure.savefig(path, dpi=DPI)


# Private.


def _panel(axes: Axes, title: str, lines: dict[str, list[tuple[int, float]]]) -> None:
    for system, points in lines.items():
        calls, values = zip(*sorted(points), strict=True)
        # One colour a system in all panels, those included in which another is missing.
        colour = f"C{list(TITLES).index(system)}"
        axes.plot(calls, values, marker="o", color=colour, label=TITLES[system].strip("`"))
    axes.set_title(title)
    axes.set_xlabel("calls at once")
    # What is added may be less than nothing.
    axes.set_ylim(bottom=min([0.0, *(value for points in lines.values() for _, value in points)]))
    axes.grid(visible=True, alpha=0.3)
    if lines:
        axes.legend()
