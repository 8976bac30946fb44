"""The card: its fields are those that somebody writes, and views see no others."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from shared.contract import card, record, scripts

LUA = Path(scripts.__file__).parent / "lua"
ROLE_FIELDS = {
    "role": ("brain", "egress"),
    **{f"role .. '_{part}'": (f"brain_{part}", f"egress_{part}") for part in ("epoch", "claims", "attempts")},
}


def scripted() -> dict[str, set[str]]:
    """Fields that scripts write on the card and the scripts that do, by the text of the scripts."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in LUA.glob("*.lua"):
        text = path.read_text("utf-8")
        for call in re.findall(r"redis\.call\('HSET', (?:card|KEYS\[1\]), (.*?)\)\n", text, re.DOTALL):
            if call.startswith("unpack"):
                continue  # What its caller gives: records.
            words = [word.strip() for word in re.split(r",\s*", call.replace("\n", " "))]
            for word in words[::2]:
                for name in ROLE_FIELDS.get(word, (word.strip("'"),)):
                    found[name].add(path.stem.upper())
    return found


def test_the_scripts_write_what_is_listed() -> None:
    """SCRIPTED and the Lua files say the same: the fields, and for each of them the scripts."""
    listed = {name: set(said.partition(": ")[0].split(", ")) for name, said in card.SCRIPTED.items()}
    assert listed == scripted()


@pytest.mark.parametrize("view", card.READERS, ids=lambda view: view.__name__)
def test_a_view_sees_only_what_somebody_writes(view: type) -> None:
    """A field that nobody writes would be an error at each reading."""
    written = set(card.SCRIPTED) | {name for kind in card.WRITERS for name in record.names(kind)}
    assert set(record.names(view)) <= written


@pytest.mark.parametrize("view", card.READERS, ids=lambda view: view.__name__)
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
