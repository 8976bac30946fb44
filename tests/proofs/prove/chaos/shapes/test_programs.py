"""Which programs there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.prove.chaos.shapes import programs
from proofs.prove.chaos.shapes.programs import ShapeFailed


def test_the_wheel_has_a_valkey_without_tls() -> None:
    """Its binary is there."""
    found = programs.valkey()
    assert Path(found.binary).is_file()
    assert not found.has_tls


def test_a_program_that_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words that can be copied."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ShapeFailed, match=r"got none: apt-get install redis-server"):
        programs.redis7()


def test_a_clock_that_is_missing_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One that is there is found, whatever the machine's kind."""
    monkeypatch.setattr(programs, "LIBRARIES", tmp_path)
    with pytest.raises(ShapeFailed, match=r"apt-get install libfaketime"):
        programs.clock_library()
    library = tmp_path / "some-linux" / "faketime" / programs.CLOCK_LIBRARY
    library.parent.mkdir(parents=True)
    library.touch()
    assert programs.clock_library() == library
