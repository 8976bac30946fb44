"""`trunkline doctor`: is everything there that calls need, and if not, what to do about it.

Why it exists: a call that cannot work should be found out before a caller does. Owns: what a finding is, how
findings are shown and summed up. Must not know: how anything is looked at (facts.py, public.py), nor when it
is good (redis.py, host.py, public.py).
"""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.style import BAD, BRIDGE, DIM, GOOD
from shared.exit_codes import Exit


class Level(enum.StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    """Calls work, and will not in some situation."""
    FAIL = "fail"
    """Calls do not work, or not all."""
    SKIPPED = "skipped"
    """Not looked at: it was not asked for, or what it needs is not there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    what: str
    """What was looked at: a noun."""
    found: str
    """What is there."""
    do: str = ""
    """What the operator does about it; never empty for WARN and FAIL."""


def ok(what: str, found: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, what, found)


def warn(what: str, found: str, do: str) -> Finding:
    """Calls work, and will not in some situation."""
    return Finding(Level.WARN, what, found, do)


def fail(what: str, found: str, do: str) -> Finding:
    """Calls do not work, or not all."""
    return Finding(Level.FAIL, what, found, do)


def skipped(what: str, why: str) -> Finding:
    """Not looked at."""
    return Finding(Level.SKIPPED, what, why)


STYLES = {Level.OK: GOOD, Level.WARN: BRIDGE, Level.FAIL: BAD, Level.SKIPPED: DIM}


def exit_code(findings: Sequence[Finding]) -> Exit:
    """FAILED if anything failed; warnings alone are OK."""
    return Exit.FAILED if any(each.level is Level.FAIL for each in findings) else Exit.OK


def summary(findings: Sequence[Finding]) -> str:
    """`1 fail, 2 warn, 9 ok`."""
    counts = [(level, sum(each.level is level for each in findings)) for level in Level]
    worst_first = (Level.FAIL, Level.WARN, Level.OK, Level.SKIPPED)
    return ", ".join(f"{dict(counts)[level]} {level}" for level in worst_first if dict(counts)[level])


def as_json(findings: Sequence[Finding]) -> str:
    """For programs: `ok` is what the exit code says."""
    rows = [
        {"level": each.level.value, "what": each.what, "found": each.found, "do": each.do}
        for each in findings
    ]
    is_ok = exit_code(findings) == Exit.OK
    return json.dumps({"ok": is_ok, "findings": rows}, ensure_ascii=False, indent=2)


def table(findings: Sequence[Finding]) -> Table:
    """For people: what is wrong has a line below it that says what to do."""
    made = Table("", "what", "found", box=None, pad_edge=False)
    made.columns[1].no_wrap = True
    made.columns[2].overflow = "fold"
    for each in findings:
        found = Text(each.found)
        if each.do:
            found.append(f"\n→ {each.do}", style="bold")
        made.add_row(Text(each.level.value, style=STYLES[each.level]), Text(each.what), found)
    return made


def show(findings: Sequence[Finding], console: Console) -> None:
    """Prints the table and the sum."""
    console.print(table(findings))
    console.print(summary(findings))
