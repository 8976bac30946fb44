"""The figures of a sitting as a picture."""

from __future__ import annotations

from pathlib import Path

from proofs.bench.medians import rows
from proofs.bench.plots import PANELS, draw, series
from tests.proofs.bench.samples import figures


def test_what_cannot_be_told_has_no_point() -> None:
    """The rest is a line over the number of calls."""
    made = rows([figures(pss_mib=50.0), figures(calls=30, pss_mib=60.0), figures("sample")])
    memory = dict(PANELS)["PSS, MiB"]
    assert series(made, memory) == {"trunkline": [(10, 50.0), (30, 60.0)]}


def test_a_png_is_written(tmp_path: Path) -> None:
    """Also of a sitting in which hardly anything can be told."""
    draw(rows([figures(pss_mib=50.0), figures("sample")]), tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
