"""How findings are shown."""

from __future__ import annotations

import io
import json

from rich.console import Console

from console.doctor.findings import Finding, Level, as_json, fail, ok, show, skipped, summary, warn

FINDINGS = [
    ok("Redis version", "Valkey 9.1.2"),
    warn("clocks", "Redis is 700 ms behind", "Synchronise them."),
    fail("brain-0", "FATAL: [exited]", "Read its log."),
    skipped("public URL", "not asked for"),
]


def shown(findings: list[Finding], width: int = 100) -> str:
    file = io.StringIO()
    show(findings, Console(file=file, width=width))
    return file.getvalue()


def test_a_remedy_stands_below_what_it_is_for() -> None:
    """Brackets in a text are text."""
    text = shown(FINDINGS)
    assert text.index("700 ms behind") < text.index("→ Synchronise them.") < text.index("FATAL: [exited]")
    assert text.rstrip().endswith("1 fail, 1 warn, 1 ok, 1 skipped")


def test_a_narrow_terminal_loses_nothing() -> None:
    """Lines fold."""
    words = shown(FINDINGS, width=40).split()
    assert "behind" in words
    assert "[exited]" in words


def test_json_says_the_same() -> None:
    """`ok` is what the exit code says."""
    found = json.loads(as_json(FINDINGS))
    assert found["ok"] is False
    assert [each["level"] for each in found["findings"]] == ["ok", "warn", "fail", "skipped"]
    assert json.loads(as_json(FINDINGS[:2]))["ok"] is True


def test_summary_leaves_out_what_there_is_none_of() -> None:
    """Worst first."""
    assert summary([ok("a", "b")]) == "1 ok"
    assert [level.value for level in Level] == ["ok", "warn", "fail", "skipped"]
