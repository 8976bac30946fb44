"""Records: what is written is what is read, and what is missing is said."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract import card, record, views, window, worker
from shared.contract.errors import ContractError
from shared.contract.streams import control, history

RECORDS = (
    *card.WRITERS,
    *views.READERS,
    window.BrainWindow,
    window.IngressWindow,
    window.PipelineFigures,
    worker.Beat,
    control.FlushedItem,
    *control.KINDS.values(),
    *history.KINDS.values(),
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
WHOLE = st.integers(-(2**53), 2**53)


def values_of(row: record.FieldRow) -> st.SearchStrategy[object]:
    """Values that a field may have."""
    if row.kind is bool:
        found: st.SearchStrategy[object] = st.booleans()
    elif row.kind is int:
        found = WHOLE
    elif row.kind is float:
        found = st.floats(allow_nan=False, allow_infinity=False)
    elif row.kind is dict:
        found = st.dictionaries(TEXTS, WHOLE, max_size=4)
    elif row.kind is str:
        # An optional text that is empty was never written.
        found = TEXTS.filter(bool) if row.is_optional else TEXTS
    else:
        # So is an optional choice that is written as an empty text.
        found = st.sampled_from([each for each in row.kind if each or not row.is_optional])  # type: ignore[attr-defined]
    return st.one_of(st.none(), found) if row.is_optional else found


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_record_survives_the_way(kind: type, data: st.DataObject) -> None:
    """Through a hash of texts where all its fields are texts and numbers, else through JSON's values."""
    rows = record.rows(kind)
    made = kind(**{row.attribute: data.draw(values_of(row), row.attribute) for row in rows})
    if any(row.kind is dict for row in rows):
        assert record.read(kind, record.write(made)) == made
    else:
        flat = record.flat(made)
        texts = {n.decode(): v.decode() for n, v in zip(flat[::2], flat[1::2], strict=True)}
        assert record.read(kind, texts) == made
        assert record.read_values(kind, [texts[name].encode() for name in record.names(kind)]) == made


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_each_field_that_is_missing_is_named(kind: type) -> None:
    """Never a 0: the error says which record and which field."""
    rows = record.rows(kind)
    whole: dict[str, object] = {row.name: _some(row) for row in rows}
    record.read(kind, whole)
    for row in rows:
        lacking = {name: value for name, value in whole.items() if name != row.name}
        if row.is_optional:
            assert record.read(kind, lacking) is not None
            continue
        with pytest.raises(ContractError) as caught:
            record.read(kind, lacking)
        assert (caught.value.record, caught.value.field) == (kind.__name__, row.name)


def _some(row: record.FieldRow) -> object:
    if row.kind in (int, float, bool):
        return "1"
    if row.kind is dict:
        return {}
    return "x" if row.kind is str else next(iter(row.kind))  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A record to which a field was added in version 2."""

    old: int
    new: int = record.since(2, -1)


def test_an_older_writer_is_the_one_excuse() -> None:
    """During a roll: a writer that tells version 1 may lack what came in version 2; one of version 2 may
    not."""
    assert record.read(Grown, {"old": "5"}, version=1) == Grown(old=5, new=-1)
    assert record.read(Grown, {"old": "5", "new": "6"}, version=1).new == 6
    with pytest.raises(ContractError, match="expected a whole number in new of Grown, got nothing"):
        record.read(Grown, {"old": "5"}, version=2)
    with pytest.raises(ContractError):
        record.read(Grown, {"new": "6"}, version=1)


@pytest.mark.parametrize("bad", ["", "x", "1.5", "nan", None, 1.5, [1]])
def test_what_is_no_number_is_refused(bad: object) -> None:
    """A figure is a figure or an error."""
    with pytest.raises(ContractError):
        record.read(Grown, {"old": bad, "new": 1})


def test_unknown_fields_are_ignored() -> None:
    """A newer writer says more."""
    assert record.read(Grown, {"old": "1", "new": "2", "newer": "3"}) == Grown(old=1, new=2)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_added_fields_are_not_from_the_future(kind: type) -> None:
    """A field says the version in which it was added: at most the present one."""
    assert all(1 <= row.since <= record.CONTRACT for row in record.rows(kind))
