"""JSON schemas that operators write: whether they are sound, and whether arguments fit."""

from __future__ import annotations

import pytest

from brain.json_fields import Json
from brain.tools.schemas import MAX_EXPECTED_CHARS, MAX_MISFITS, misfits, problem_of

BICYCLE: Json = {
    "type": "object",
    "properties": {"model": {"type": "string"}, "wheels": {"type": "integer", "minimum": 1}},
    "required": ["model"],
}


def test_a_sound_schema_has_no_problem() -> None:
    """As in agents.toml; what the provider refuses at the top may stand in a property."""
    assert problem_of(BICYCLE) == ""
    sizes: Json = {"anyOf": [{"type": "array", "items": {"enum": [26, 28]}}, {"type": "null"}]}
    assert problem_of({"type": "object", "properties": {"sizes": sizes, "anyOf": {"type": "string"}}}) == ""


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "string"}, 'type = "object"'),
        ({"type": "object", "properties": {"model": "string"}}, "properties.model"),
        ({"type": "object", "$ref": "http://x.example"}, "got one with a $ref to elsewhere"),
        ({"type": "object"}, "expected properties"),
        *(
            ({**BICYCLE, keyword: [BICYCLE]}, f"expected no {keyword} at the top")
            for keyword in ("anyOf", "allOf")
        ),
        ({**BICYCLE, "enum": [{}]}, "expected no enum at the top"),
        (
            {"type": "object", "properties": {"ids": {"type": ["array", "null"]}}},
            "expected items in properties.ids",
        ),
        (
            {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "array"}]}}},
            "expected items in properties.a.anyOf.1",
        ),
    ],
)
def test_a_schema_that_is_not_one_says_where(schema: Json, says: str) -> None:
    """The model's provider would refuse it, and with it every call of the agent."""
    assert says in problem_of(schema)


def test_arguments_that_fit_are_told_nothing() -> None:
    """What is not named may be there."""
    assert misfits(BICYCLE, {"model": "city", "color": "red"}) == []


def test_misfits_say_what_was_expected_and_never_what_was_said() -> None:
    """It may be what the caller said."""
    (model, wheels) = sorted(misfits(BICYCLE, {"model": 4217, "wheels": -4217}))

    assert model == 'model: expected "type":"string"'
    assert wheels == 'wheels: expected "minimum":1'


def test_what_is_told_is_bounded() -> None:
    """A long list, a long enumeration."""
    many: Json = {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(20)}}
    long: Json = {"type": "object", "properties": {"city": {"enum": ["x" * 50] * 50}}}

    assert len(misfits(many, {f"p{n}": n for n in range(20)})) == MAX_MISFITS
    assert len(misfits(long, {"city": "y"})[0]) < MAX_EXPECTED_CHARS + 40
