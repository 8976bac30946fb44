"""Records: typed, flat, and the same for the process that writes one and the process that reads it.

Why it exists: a field that two processes spell by hand is one day spelt in two ways, and a reader with a
default takes the loss for a 0. Here a record is a dataclass; its fields are written by `write` and read by
`read`, under the names that stand in it. Owns: those two, and what a missing field means. Pure. Must not
know: any one record.

A field that its writer always writes has no default: missing, it is a ContractError. Two kinds may be
missing:
- `X | None`: its writer comes to it later, or never (`None` until then; written as an empty text);
- `since(version, older)`: it was added in that version of the contract. While workers of two versions run
  beside one another, an older writer, who tells its version, lacks it, and `older` stands for it. Nobody else
  may.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from shared.contract.errors import ContractError

CONTRACT = 4
"""The version of all records. A worker tells it in its beat, a window in itself. It is raised with each field
that is added, and the field then says `since(CONTRACT, …)`."""

MOST = 2**63 - 1
"""The largest whole number that is read: all of ours are far below it, and a float holds it."""

R = TypeVar("R")
_MISSING: Any = dataclasses.MISSING


def named(name: str) -> Any:
    """A field that is written under another name than its own."""
    return dataclasses.field(metadata={"name": name})


def since(version: int, older: object, name: str = "") -> Any:
    """A field that was added in `version`: of a writer older than that, `older` stands."""
    return dataclasses.field(metadata={"name": name, "since": version, "older": older})


@dataclasses.dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of a record as it is written."""

    name: str
    attribute: str
    kind: type
    is_optional: bool
    since: int
    older: object


_ROWS: dict[type, tuple[FieldRow, ...]] = {}


def rows(record: type) -> tuple[FieldRow, ...]:
    """The fields of a record, in their order."""
    known = _ROWS.get(record)
    if known is not None:
        return known
    hints = typing.get_type_hints(record)
    found = []
    for field in dataclasses.fields(record):
        kind, is_optional = _plain(hints[field.name])
        metadata = field.metadata
        found.append(
            FieldRow(
                name=metadata.get("name") or field.name,
                attribute=field.name,
                kind=kind,
                is_optional=is_optional,
                since=metadata.get("since", 1),
                older=metadata.get("older", _MISSING),
            )
        )
    _ROWS[record] = tuple(found)
    return _ROWS[record]


def names(record: type) -> tuple[str, ...]:
    """The names under which a record's fields are written, in their order: what HMGET is asked for."""
    return tuple(row.name for row in rows(record))


def write(record: object) -> dict[str, str | int | float]:
    """A record as fields and values. A truth is 1 or 0; `None` is an empty text."""
    found: dict[str, str | int | float] = {}
    for row in rows(type(record)):
        value = getattr(record, row.attribute)
        if value is None:
            value = ""
        found[row.name] = int(value) if isinstance(value, bool) else value
    return found


def flat(record: object) -> list[bytes]:
    """A record as the words of a command: field, value, field, value, …"""
    words: list[bytes] = []
    for name, value in write(record).items():
        words += (name.encode(), str(value).encode(errors="replace"))
    return words


def read(record: type[R], found: Mapping[str, object], *, version: int = CONTRACT) -> R:
    """A record from what was written: texts of a hash, or values of JSON. `version`: its writer's.

    Raises ContractError for a field that is missing or unreadable. Fields that are not the record's are
    ignored.
    """
    values: dict[str, object] = {}
    for row in rows(record):
        value = found.get(row.name)
        if row.is_optional and (value is None or value == ""):
            values[row.attribute] = None
        elif value is None and row.older is not _MISSING and version < row.since:
            values[row.attribute] = row.older
        else:
            values[row.attribute] = _convert(record, row, value)
    return record(**values)


def read_values(record: type[R], values: Sequence[bytes | None]) -> R:
    """A record from the answer to an HMGET of `names(record)`. Raises ContractError."""
    texts = {
        name: value.decode(errors="replace")
        for name, value in zip(names(record), values, strict=True)
        if value is not None
    }
    return read(record, texts)


# Private.


def _plain(hint: Any) -> tuple[type, bool]:
    """The type of a field, and whether it may be None."""
    if typing.get_origin(hint) is Mapping:
        return dict, False  # Of JSON only.
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if len(kinds) != 1:
            raise TypeError(f"expected one type, or one and None, as a field of a record, got {hint}")
        return kinds[0], True
    return hint, False


_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "1 or 0", dict: "an object"}


def _convert(record: type, row: FieldRow, value: object) -> object:
    kind = row.kind
    try:
        if value is None:
            raise ValueError
        if kind is bool:
            return {"1": True, "0": False, True: True, False: False}[typing.cast(Any, value)]
        if kind is str and not isinstance(value, str):
            raise ValueError
        if kind is int and isinstance(value, float):
            raise ValueError
        made = kind(typing.cast(Any, value))  # int, float, str, or an enum of texts
        if isinstance(made, float) and not math.isfinite(made):
            raise ValueError
        if isinstance(made, int) and abs(made) > MOST:
            raise ValueError
        return made
    except (ValueError, KeyError, TypeError):
        expected = _WORDS.get(kind) or "one of " + ", ".join(str(each) for each in typing.cast(Any, kind))
        raise ContractError(record.__name__, row.name, expected, value) from None
