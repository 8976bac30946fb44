"""JSON judged against declared types, strictly, on types of our own."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import BaseModel

from simulators.realtime.protocol import schema
from simulators.realtime.protocol.errors import Refusal


class Text(BaseModel):
    type: Literal["text"]
    text: str


class Sound(BaseModel):
    type: Literal["sound"]
    rate: int | None = None


class Letter(BaseModel):
    parts: list[Text | Sound]
    weight: float | None = None
    tags: dict[str, str] | None = None


TEXT = {"type": "text", "text": "hello"}


@pytest.mark.parametrize(
    "value",
    [
        {"parts": []},
        {"parts": [TEXT, {"type": "sound", "rate": 8000}, {"type": "sound"}]},
        {"parts": [], "weight": 2, "tags": {"a": "b"}},
    ],
)
def test_what_is_declared_passes(value: object) -> None:
    """Optional keys may be left out; an integer is a decimal too."""
    schema.check(value, Letter, "", frozenset())


@pytest.mark.parametrize(
    ("value", "code", "param"),
    [
        ({}, "missing_required_parameter", "parts"),
        ({"parts": [], "colour": "red"}, "unknown_parameter", "colour"),
        ({"parts": {}}, "invalid_type", "parts"),
        ({"parts": [], "weight": True}, "invalid_type", "weight"),
        ({"parts": [], "weight": None}, "invalid_type", "weight"),
        ({"parts": [], "tags": {"a": 1}}, "invalid_type", "tags.a"),
        ({"parts": [TEXT, {"type": "smell"}]}, "invalid_value", "parts[1].type"),
        ({"parts": [{"text": "hello"}]}, "missing_required_parameter", "parts[0].type"),
        ({"parts": [{"type": "text"}]}, "missing_required_parameter", "parts[0].text"),
        ({"parts": [{"type": "sound", "rate": "fast"}]}, "invalid_type", "parts[0].rate"),
        ({"parts": [{"type": "sound", "text": "x"}]}, "unknown_parameter", "parts[0].text"),
    ],
)
def test_the_first_fault_is_named_with_its_path(value: object, code: str, param: str) -> None:
    """Absent keys, undeclared keys, wrong types, tags that no member of a union has."""
    with pytest.raises(Refusal) as caught:
        schema.check(value, Letter, "", frozenset())
    assert (caught.value.code, caught.value.param) == (code, param)


def test_null_passes_only_where_the_table_says_so() -> None:
    """Paths are written without the index of a list."""
    value = {"parts": [{"type": "sound", "rate": None}]}
    schema.check(value, Letter, "", frozenset({"parts[].rate"}))
    with pytest.raises(Refusal, match="null"):
        schema.check(value, Letter, "", frozenset({"parts.rate"}))
