"""Reads the plain part of YAML that our own files for Prometheus are written in, and nothing else.

Mappings and lists by indentation, double-quoted strings and flow lists as JSON has them, plain scalars as
text. Anything else (tabs, anchors, block scalars, single quotes) is an error: a file that this reads means
the same to every YAML reader.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*):(?: +(.*))?")


class NotPlainError(ValueError):
    """A line that is not in the plain part."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str


def read(text: str) -> Any:
    """The document. Raises NotPlainError with the line's number."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if "\t" in line:
            raise NotPlainError(f"line {number}: expected spaces, came a tab")
        lines.append(_Line(number, len(line) - len(line.lstrip()), stripped))
    found, rest = _block(lines, lines[0].indent)
    if rest:
        raise NotPlainError(f"line {rest[0].number}: expected another indentation")
    return found


def _block(lines: list[_Line], indent: int) -> tuple[Any, list[_Line]]:
    return _list(lines, indent) if lines[0].text.startswith("- ") else _mapping(lines, indent)


def _list(lines: list[_Line], indent: int) -> tuple[list[Any], list[_Line]]:
    found: list[Any] = []
    while lines and lines[0].indent == indent and lines[0].text.startswith("- "):
        first = lines[0]
        inner = _Line(first.number, indent + 2, first.text[2:].strip())
        if _KEY.fullmatch(inner.text) is None:
            found.append(_scalar(inner.text, first.number))
            lines = lines[1:]
        else:
            item, lines = _mapping([inner, *lines[1:]], indent + 2)
            found.append(item)
    return found, lines


def _mapping(lines: list[_Line], indent: int) -> tuple[dict[str, Any], list[_Line]]:
    found: dict[str, Any] = {}
    while lines and lines[0].indent == indent and not lines[0].text.startswith("- "):
        line, lines = lines[0], lines[1:]
        match = _KEY.fullmatch(line.text)
        if match is None or match[1] in found:
            raise NotPlainError(f"line {line.number}: expected a new `key:`, came {line.text[:60]!r}")
        if match[2] is not None:
            found[match[1]] = _scalar(match[2], line.number)
        elif lines and lines[0].indent > indent:
            found[match[1]], lines = _block(lines, lines[0].indent)
        else:
            raise NotPlainError(f"line {line.number}: expected a value below {match[1]!r}")
    return found, lines


def _scalar(text: str, number: int) -> Any:
    if text[0] in '"[':
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise NotPlainError(f"line {number}: expected it as JSON has it: {error}") from None
    # YAML's own signs mean something at the beginning of a scalar; inside, only these two end it.
    if not text[0].isalnum() or ": " in text or " #" in text:
        raise NotPlainError(f"line {number}: expected a plain scalar or quotes, came {text[:60]!r}")
    return text
