"""The users of Redis are what the table makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.pages import acl


def test_the_files_are_what_the_table_makes() -> None:
    """`python -m proofs.pages.acl` writes them; there is no other."""
    assert {path.name for path in acl.FOLDER.iterdir()} == set(acl.files())
    assert {name: acl.written(name) for name in acl.files()} == acl.files()


@pytest.mark.parametrize("name", acl.files())
def test_a_file_is_one_line(name: str) -> None:
    """An aclfile takes no comments, and no two blanks between words."""
    (line,) = acl.files()[name].splitlines()
    assert line.startswith("user trunkline-")
    assert "  " not in line


def test_an_old_file_is_written_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check writes nothing; once written, all is current."""
    monkeypatch.setattr(acl, "FOLDER", tmp_path / "acl")

    def run(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["command", *words])
        return acl.main()

    assert run("--check") == 1
    told = capsys.readouterr().err
    assert told.count("is not current: run python -m proofs.pages.acl") == len(acl.files())
    assert not (tmp_path / "acl").exists()
    assert run() == 0
    assert run("--check") == 0
