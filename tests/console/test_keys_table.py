"""The key table: complete, and with live sizes."""

from __future__ import annotations

import re
from pathlib import Path

from rich.console import Console

from console import keys_table
from console.style import make_console
from shared.contract.keys import (
    ADMITTED,
    AUDIT,
    CALL_PARTS,
    CONFIG,
    COUNTED_BY,
    MODEL,
    SPEECH,
    WORKERS,
    Keys,
    caller_day,
    sound_key,
)
from shared.store.client import Store

SID = "CA" + "0" * 32
WORKER = "brain-0@host#1a2b3c"
ALL_KEYS = Keys(4)
ON_A_CLUSTER = Keys(4, spread=True)


def every_key() -> list[str]:
    """A key of every builder."""
    lane = [
        ALL_KEYS.orphans(3),
        ALL_KEYS.ringing(3),
        ALL_KEYS.deadlines(3),
        ALL_KEYS.calls(3),
        ALL_KEYS.live(3),
        ALL_KEYS.ended(3),
        ALL_KEYS.slots(3),
        ALL_KEYS.hooks(3),
        ALL_KEYS.tapes(3),
        ALL_KEYS.janitor(3),
    ]
    worker = [
        ALL_KEYS.wake(3, WORKER),
        ALL_KEYS.owned(3, WORKER),
        ALL_KEYS.out(WORKER),
        ALL_KEYS.back(WORKER),
        ON_A_CLUSTER.out(WORKER, 3),
        ON_A_CLUSTER.back(WORKER, 3),
    ]
    parts = [ALL_KEYS.part(SID, part) for part in CALL_PARTS]
    admission = [ADMITTED, COUNTED_BY, caller_day("0" * 32), MODEL]
    whole = [ALL_KEYS.spent("2026-01-05"), AUDIT, CONFIG, SPEECH, WORKERS, sound_key("0f3a")]
    return [*lane, *worker, *parts, *admission, ALL_KEYS.card(SID), ALL_KEYS.worker(WORKER), *whole]


def test_every_key_that_we_build_is_of_one_kind() -> None:
    """And every kind has a key: the table neither forgets nor invents."""
    found = [keys_table.kind_of(key) for key in every_key()]
    assert None not in found
    assert len({kind.pattern for kind in found if kind}) == len(every_key()) == len(keys_table.KINDS)


def test_a_strange_key_is_of_no_kind() -> None:
    """Other users of the same Redis are left out."""
    assert keys_table.kind_of("tl:something:else") is None


async def test_sizes_are_counted(store: Store) -> None:
    """Keys and elements by kind; a key of a wrong type counts as empty."""
    for _ in range(3):
        await store.xadd(ALL_KEYS.journal(SID), {"kind": "x"})
    await store.sadd(WORKERS, "a", "b")
    await store.redis.set(ALL_KEYS.caller(SID), "not a stream")
    await store.redis.set("tl:other", "1")
    sizes = {size.kind.pattern: size for size in await keys_table.measure(store)}
    assert (sizes["tl:{*}:call:CA*:journal"].keys, sizes["tl:{*}:call:CA*:journal"].elements) == (1, 3)
    assert sizes[WORKERS].elements == 2
    assert (sizes["tl:{*}:call:CA*:caller"].keys, sizes["tl:{*}:call:CA*:caller"].elements) == (1, 0)


def test_no_command_shows_a_callers_number() -> None:
    """Only how many there are: nothing of the console reads the key in which it stands in full."""
    for path in (Path(keys_table.__file__).parent).rglob("*.py"):
        source = path.read_text("utf-8")
        assert "read_number" not in source, path
        assert not re.search(r"keys\.number\(|part\(.*number", source), path


async def test_key_names_are_printed_as_they_are(store: Store) -> None:
    """Not as emoji, which `:back:` would be."""
    console: Console = make_console()
    with console.capture() as captured:
        console.print(keys_table.table(await keys_table.measure(store)))
    assert "tl:back:*" in captured.get()
