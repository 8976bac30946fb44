"""Reading fields of the server's events, which are JSON of any shape until looked at.

Why it exists: the server adds fields and leaves out ids, and neither may end a call. Owns: reading an event,
and three questions that never raise; a field that is missing or of another type reads as empty. Pure. Must
not know: any one event.
"""

from __future__ import annotations

from typing import cast

import orjson

Json = dict[str, object]


def text(event: Json, name: str) -> str:
    """A string field; empty if it is missing, null or no string."""
    value = event.get(name)
    return value if isinstance(value, str) else ""


def inner(event: Json, name: str) -> Json:
    """An object field; empty if it is missing, null or no object."""
    value = event.get(name)
    return cast(Json, value) if isinstance(value, dict) else {}


def number(event: Json, name: str) -> float | None:
    """A field that is a number; None if it is missing, null or none."""
    value = event.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def read_object(data: bytes) -> Json:
    """An object; anything else that is JSON reads as an empty one. Raises orjson.JSONDecodeError."""
    found = orjson.loads(data)
    return found if isinstance(found, dict) else {}
