"""The end of log files."""

from __future__ import annotations

from pathlib import Path

from console.stack.logs import TAIL_BYTES, tail, tails


def test_the_last_lines_of_a_long_file(tmp_path: Path) -> None:
    """Only its end is read; broken UTF-8 does no harm."""
    file = tmp_path / "a.log"
    file.write_bytes(b"\xff" * (2 * TAIL_BYTES) + b"\n" + "\n".join(f"שורה {n}" for n in range(50)).encode())
    assert tail(file, lines=2) == "שורה 48\nשורה 49"


def test_files_that_are_empty_or_missing_are_left_out(tmp_path: Path) -> None:
    """Each of the others under its name."""
    (tmp_path / "empty.log").write_text("")
    (tmp_path / "full.log").write_text("why\n")
    files = [tmp_path / name for name in ("missing.log", "empty.log", "full.log")]
    assert tails(files) == f"--- {tmp_path / 'full.log'} ---\nwhy"
