"""Fields of JSON that may be anything: nothing is raised, whatever stands there."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.json_fields import Json, inner, number, read_object, text

ANYTHING = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
OBJECTS = st.dictionaries(st.sampled_from(["id", "item", "other"]), ANYTHING | st.just({"id": "x"}))


def test_what_is_there_is_read() -> None:
    """A text as it is, an object as it is."""
    event: Json = {"id": "", "item": {"id": "x"}, "at_ms": 20, "share": 0.5}

    assert text(event, "id") == ""
    assert text(inner(event, "item"), "id") == "x"
    assert (number(event, "at_ms"), number(event, "share")) == (20.0, 0.5)


@given(OBJECTS)
def test_anything_else_reads_as_empty(event: Json) -> None:
    """Missing, null, of another type: one step or two deep."""
    value = event.get("id")

    assert text(event, "id") == (value if isinstance(value, str) else "")
    assert text(inner(event, "item"), "id") in ("", "x")
    is_number = isinstance(value, int) and not isinstance(value, bool)
    assert (number(event, "id") is not None) == is_number


def test_what_is_no_object_reads_as_an_empty_one() -> None:
    """A number is JSON too; what is no JSON is the reader's to count."""
    assert [read_object(data) for data in (b'{"id": 1}', b"[]", b"7")] == [{"id": 1}, {}, {}]
    with pytest.raises(orjson.JSONDecodeError):
        read_object(b"{")
