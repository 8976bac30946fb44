"""The card: its fields are those that somebody writes, and views see no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.contract import card, record, views
from shared.contract.lua import scripts
from shared.contract.lua.scripted import SCRIPTED

LUA = Path(scripts.__file__).parent


@pytest.mark.parametrize("view", views.READERS, ids=lambda view: view.__name__)
def test_a_view_sees_only_what_somebody_writes(view: type) -> None:
    """A field that nobody writes would be an error at each reading."""
    written = set(SCRIPTED) | {name for kind in card.WRITERS for name in record.names(kind)}
    assert set(record.names(view)) <= written


@pytest.mark.parametrize("view", views.READERS, ids=lambda view: view.__name__)
def test_what_a_view_insists_on_is_there_from_the_start(view: type) -> None:
    """ATTACH and RESTORE write it with the card; all else a writer may not have come to yet."""
    for name in ("attach", "restore"):
        text = (LUA / f"{name}.lua").read_text("utf-8")
        for row in record.rows(view):
            if not row.is_optional:
                assert f"'{row.name}'" in text, (
                    f"{view.__name__}.{row.attribute}: {name}.lua does not write it"
                )


def test_counters_are_those_that_were_written() -> None:
    """For people: none that nobody has counted yet, nothing that is no counter."""
    found = {"n_frames": "5", "n_late": "x", "n_of_somebody": "3", "leg": "1"}
    assert card.counters(found) == {"n_frames": 5}
