"""`.env`: what stands in it, and what is wrong with it, by file and line and without a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.env_file import EnvFileUnreadable, environment, read


def problems(path: Path) -> list[str]:
    with pytest.raises(EnvFileUnreadable) as caught:
        read(path)
    return caught.value.problems


def test_names_and_values(tmp_path: Path) -> None:
    """Quotes go, comments and a mark at the beginning too; a name alone has no value."""
    path = tmp_path / ".env"
    path.write_bytes(b"\xef\xbb\xbfA=1\n# no\n\nexport B='two words'\nC=\nD\n")
    assert read(path) == {"A": "1", "B": "two words", "C": "", "D": None}


def test_no_file_is_an_empty_one(tmp_path: Path) -> None:
    """As is None, for who wants none."""
    assert read(tmp_path / ".env") == {}
    assert read(None) == {}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("A=1\n\n\nnot a setting\n", 4, "13 characters that are neither that nor a comment"),
        ("sk-canary\nTRUNKLINE_PORT: 8080\n", 2, "20 characters that are neither"),
        ('A=1\nOPENAI_API_KEY="sk-canary\nB=2\n', 2, "OPENAI_API_KEY= with a quote that is not closed"),
        ('OPENAI_API_KEY="sk-canary" x\n', 1, "OPENAI_API_KEY= with something behind its quotes"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, text: str, line: int, said: str) -> None:
    """Once, with file and number; what stands there may be a secret."""
    path = tmp_path / ".env"
    path.write_text(text, "utf-8")
    (problem,) = problems(path)
    assert problem.startswith(f"{path}, line {line}: expected NAME=value, got {said}")
    assert "canary" not in problem


@pytest.mark.parametrize(
    ("raw", "said"), [(b"A=1\n\xff\xfe\x00", "line 2: expected text in UTF-8, got the byte 0xff"),
                      (b"A=1\nB=\0x\n", "line 2: expected text in UTF-8, got the byte 0x00")],
)  # fmt: skip
def test_what_is_no_text_is_told_as_such(tmp_path: Path, raw: bytes, said: str) -> None:
    """Another encoding, or another file altogether."""
    path = tmp_path / ".env"
    path.write_bytes(raw)
    (problem,) = problems(path)
    assert f"{path}, {said}" in problem


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A container makes one where the file to be mounted is missing."""
    (tmp_path / ".env").mkdir()
    (problem,) = problems(tmp_path / ".env")
    assert "expected a file that this user can read" in problem


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not have is the file's."""
    path = tmp_path / ".env"
    path.write_text("SHOP_SECRET=file\nOTHER_SECRET=file\nALONE\n", "utf-8")
    monkeypatch.setenv("OTHER_SECRET", "environment")
    found = environment(path)
    assert (found["SHOP_SECRET"], found["OTHER_SECRET"]) == ("file", "environment")
    assert "ALONE" not in found
