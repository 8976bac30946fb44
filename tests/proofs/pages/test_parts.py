"""What is made stands between two markers; the rest of a page is nobody's but its author's."""

from __future__ import annotations

from pathlib import Path

import pytest

from proofs.pages import parts

PAGE = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n"


def test_a_part_takes_the_place_of_the_old_one() -> None:
    """And of itself."""
    made = parts.put(PAGE, "x", "new\nand newer")

    assert made == "a\n<!-- x:begin -->\nnew\nand newer\n<!-- x:end -->\nb\n"
    assert parts.put(made, "x", "old") == PAGE


@pytest.mark.parametrize("page", ["a\nb\n", "<!-- x:begin -->\nold\n", "<!-- x:end -->\n<!-- x:begin -->\n"])
def test_a_page_without_both_markers_is_refused(page: str) -> None:
    """By name."""
    with pytest.raises(ValueError, match="expected <!-- x:begin --> and <!-- x:end --> in the page"):
        parts.put(page, "x", "new")


def test_an_old_page_is_written_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A check writes nothing; once written, all is current."""
    monkeypatch.setattr(parts, "DOCS", tmp_path)
    path = tmp_path / "page.md"
    path.write_text(PAGE, "utf-8")

    def run(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["command", *words])
        return parts.keep("some.module", "About.", {"page.md": lambda page: parts.put(page, "x", "new")})

    assert run("--check") == 1
    assert capsys.readouterr().err == "docs/page.md is not current: run python -m some.module\n"
    assert path.read_text("utf-8") == PAGE
    assert run() == 0
    assert path.read_text("utf-8") == parts.put(PAGE, "x", "new")
    assert run("--check") == 0
