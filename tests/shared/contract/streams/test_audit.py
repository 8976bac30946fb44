"""`tl:audit`: what operators did, both ways."""

from __future__ import annotations

import pytest

from shared.contract.keys import AUDIT, AUDIT_TTL_MS
from shared.contract.streams.audit import MOST_CHARS, AuditEntry, Deed, audit_commands, read_audit
from shared.store.client import Store


async def test_a_deed_survives_the_way(any_store: Store) -> None:
    """Who, what, to what, whether it was done; kept for months."""
    for command in audit_commands(Deed.HANG_UP, by="web:דנה", of="CA1", words="over", ok=True, wall_ms=5):
        await any_store.execute(command)

    ((entry_id, fields),) = await any_store.xrange(AUDIT)
    found = read_audit(entry_id, fields)
    assert found == AuditEntry(
        at_ms=found.at_ms, deed="hung_up", by="web:דנה", of="CA1", words="over", ok=True
    )
    assert found.sentence == Deed.HANG_UP.sentence
    assert 0 < await any_store.pttl(AUDIT) <= AUDIT_TTL_MS


def test_what_comes_from_outside_has_an_end() -> None:
    """A user's name of a proxy, as long as it likes."""
    add, _ = audit_commands(Deed.SAY, by="x" * 9_999, of="", words="", ok=False, wall_ms=5)
    assert max(map(len, add.args)) <= MOST_CHARS


@pytest.mark.parametrize("deed", list(Deed))
def test_each_deed_says_what_it_means(deed: Deed) -> None:
    """For people."""
    assert len(deed.sentence) > 10


def test_a_deed_of_a_newer_version_is_shown_as_it_is() -> None:
    """And what is missing is empty."""
    found = read_audit("7-0", {b"deed": b"whistled"})
    assert (found.at_ms, found.deed, found.sentence, found.by, found.ok) == (7, "whistled", "", "", False)
