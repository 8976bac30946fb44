"""What was shown, as two tables: of calls and processes, and of each kind of attack; also in the docs.

Why it exists: what was shown must read the same wherever it stands. Owns: columns and words, the parts of
docs/security.md between their markers. Must not know: how anything was judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.table import Table

from proofs.prove import page_table
from proofs.prove.hostile import judge
from proofs.prove.hostile.attacks import ATTACKS, OTHER_ENDS
from proofs.prove.hostile.judge import Played

PAGE: Final = page_table.PAGE.with_name("security.md")
CALLS, KINDS = "hostile-calls", "hostile-kinds"
CALLS_HEAD: Final = ("what", "alone", "under attack", "bound")
KINDS_HEAD: Final = ("attack", "what it is", "attempts", "how they ended")

Rows = list[tuple[str, ...]]


def call_rows(played: Played) -> Rows:
    """Of the clean calls, and of the processes that served them."""
    alone, attacked = played.alone, played.attacked
    grown = max(judge.grown_mib(played.rss_bytes).values(), default=0.0)
    return [
        ("clean calls", str(alone.calls), str(attacked.calls), ""),
        ("their sessions", str(alone.sessions), str(attacked.sessions), ""),
        (
            "frames late, p99, ms", f"{alone.p99_ms:.1f}", f"{attacked.p99_ms:.1f}",
            f"{judge.LATER_MS:.0f} more than alone",
        ),
        ("holes", str(alone.holes), str(attacked.holes), f"{judge.HOLES_SHARE:.1%} of frames"),
        ("frames", str(alone.frames), str(attacked.frames), ""),
        ("turns lost", _of(alone.lost_turns, alone.turns), _of(attacked.lost_turns, attacked.turns),
         f"{judge.LOST_SHARE:.1%} more than alone"),
        ("memory of a process, MiB more", "", f"{grown:.1f}", f"{judge.GROWN_MIB:.0f}"),
        ("processes that ended", "", str(len(played.restarted)), "0"),
        ("sessions opened for attackers", "", str(played.foreign_sessions), "0"),
        ("hostile words that became deeds", "", _of(len(played.deeds), played.obeyed), "0"),
        ("secrets, numbers, words in logs, metrics, argv", "", str(len(played.leaks)), "0"),
    ]  # fmt: skip


def kind_rows(ends: Mapping[str, Mapping[str, int]]) -> Rows:
    """Of each kind of attack."""
    texts = {each.name: each.text for each in ATTACKS} | dict.fromkeys(OTHER_ENDS, "the same answer again")
    return [
        (name, text, str(sum(ends.get(name, {}).values())), _counts(ends.get(name, {})))
        for name, text in texts.items()
    ]


def shown(title: str, head: Sequence[str], rows: Rows) -> Table:
    """For the screen."""
    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    return table


def filled(page: str, played: Played, foot: str) -> str:
    """The page with both tables made again. Raises ValueError for a page without the markers."""
    page = page_table.filled(page, CALLS, CALLS_HEAD, call_rows(played), foot)
    return page_table.filled(page, KINDS, KINDS_HEAD, kind_rows(played.ends), "")


def write(played: Played, foot: str) -> None:
    """Puts them into the page. Raises ValueError, OSError."""
    PAGE.write_text(filled(PAGE.read_text("utf-8"), played, foot), "utf-8")


# Private.


def _of(count: int, all_: int) -> str:
    return f"{count} of {all_}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{end} × {count}" for end, count in sorted(counts.items(), key=lambda each: -each[1]))
