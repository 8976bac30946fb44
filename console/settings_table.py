"""The table of all settings, from the one place that declares them (shared/settings.py).

Owns: its forms: for a terminal and for programs with the values in effect, and for the README (`markdown`),
which has none. Must not know: where values are read from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args, get_origin

from rich.table import Table
from rich.text import Text

from shared.setting.console import in_order
from shared.setting.sources import InEffect, Origin, written
from shared.settings import REQUIRED_BY_ROLE, Settings, environment_name


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting as people see it."""

    name: str
    """Environment variable."""
    default: str
    """As one would write it; empty if there is none."""
    required_by: str
    """Roles that do not start without it, separated by commas."""
    choices: str
    """What it may be, if it is a choice or has limits."""
    description: str


def rows() -> list[SettingRow]:
    """Every setting, in the order of declaration; those of the console last."""
    return [_row(field) for field in in_order(Settings.model_fields)]


def as_data(in_effect: Sequence[InEffect]) -> list[dict[str, str]]:
    """For programs; of a secret only whether it is set."""
    return [
        {**asdict(row), "value": each.value, "origin": each.origin.value, "read_from": each.name}
        for row, each in zip(rows(), in_effect, strict=True)
    ]


def markdown() -> str:
    """The table for the README, with a newline at its end."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for row in rows():
        default = f"`{row.default}`" if row.default else "none"
        lines.append(f"| `{row.name}` | {default} | {_markdown_text(row)} |")
    return "\n".join(lines) + "\n"


def table(in_effect: Sequence[InEffect]) -> Table:
    """The table for a terminal: what is in effect, and what it means. What is not the default stands out."""
    made = Table("variable", "value", "from", "meaning", title="Settings in effect here", show_lines=False)
    made.columns[0].no_wrap = True
    made.columns[1].overflow = "fold"
    made.columns[2].no_wrap = True
    for row, each in zip(rows(), in_effect, strict=True):
        is_default = each.origin is Origin.DEFAULT
        text = _text(row) if is_default else f"{_text(row)} Default: {row.default or 'none'}."
        style = "" if is_default else "bold"
        made.add_row(row.name, Text(each.value or "–", style), Text(each.origin.value, style), Text(text))
    return made


# Private.


def _row(field: str) -> SettingRow:
    info = Settings.model_fields[field]
    roles = [role for role, needed in REQUIRED_BY_ROLE.items() if field in needed]
    return SettingRow(
        name=environment_name(field),
        default=written(info.get_default()),
        required_by=", ".join(roles),
        choices=_choices(info.annotation, info.metadata),
        description=info.description or "",
    )


def _choices(annotation: Any, metadata: list[Any]) -> str:
    """Alternatives of a Literal, or the limits that pydantic keeps as annotated-types objects."""
    if get_origin(annotation) is Literal:
        return " or ".join(get_args(annotation))
    low = [item.ge for item in metadata if type(item).__name__ == "Ge"]
    above = [item.gt for item in metadata if type(item).__name__ == "Gt"]
    high = [item.le for item in metadata if type(item).__name__ == "Le"]
    if high and (low or above):
        start = f"{low[0]:g}" if low else f"more than {above[0]:g}"
        return f"{start} to {high[0]:g}" if high[0] < 1e6 else f"{start} to {high[0]}"
    return ""


def _text(row: SettingRow) -> str:
    parts = [row.description]
    if row.choices:
        parts.append(f"({row.choices})")
    if row.required_by:
        parts.append(f"Required by {row.required_by}.")
    return " ".join(parts)


def _markdown_text(row: SettingRow) -> str:
    return _text(row).replace("|", "\\|").replace("<", "&lt;")
