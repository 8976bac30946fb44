"""Who did what: written down at each deed, whichever way it was done."""

from __future__ import annotations

import getpass

import pytest

from console.calls import audit
from shared.contract.streams.audit import Deed
from shared.store.client import Store
from tests.support.redis_samples import ONE


async def test_the_newest_deed_comes_first(store: Store) -> None:
    """With who, to what, and whether it was done."""
    await audit.note(store, Deed.SAY, by="cli:ann", of=ONE, words="12 characters")
    await audit.note(store, Deed.HANG_UP, by="web:bob", of=ONE, ok=False)

    found = await audit.newest(store)
    assert [(each.deed, each.by, each.of, each.ok) for each in found] == [
        (Deed.HANG_UP, "web:bob", ONE, False), (Deed.SAY, "cli:ann", ONE, True),
    ]  # fmt: skip
    assert len(await audit.newest(store, 1)) == 1


def test_whoever_sits_at_a_terminal_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number, where the system has none."""
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    assert audit.whoever() == "cli:ann"

    def nobody() -> str:
        raise OSError("no name")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert audit.whoever().startswith("cli:uid ")
