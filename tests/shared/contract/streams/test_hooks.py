"""`hooks`: what the courier is given is what was added."""

from __future__ import annotations

import pytest

from shared.contract.entry import to_dict
from shared.contract.errors import EntryError
from shared.contract.keys import Keys
from shared.contract.streams.hooks import Event, Hook, hook_commands, hook_fields, read_hook

CALL = "CA" + "0" * 31 + "1"
HOOK = Hook(
    event=Event.TOOL_FAILED,
    call_sid=CALL,
    event_id="e",
    at_ms=5,
    attempt=1,
    due_ms=9,
    body=b"{}",
    details='{"a":1}',
)


def test_an_event_survives_the_way() -> None:
    """Write, read, same."""
    assert read_hook(to_dict(hook_fields(HOOK))) == HOOK


def test_an_event_goes_to_its_lane_and_will_not_stay_for_ever() -> None:
    """The stream gets its TTL in the same commit."""
    add, expire = hook_commands(Keys(1), HOOK)
    assert add.args[:2] == (b"XADD", b"tl:{0}:hooks")
    assert expire.args[:2] == (b"PEXPIRE", b"tl:{0}:hooks")


@pytest.mark.parametrize("gone", [b"kind", b"call", b"id"])
def test_an_event_without_a_name_is_refused(gone: bytes) -> None:
    """The error says what is missing."""
    fields = hook_fields(HOOK)
    at = fields.index(gone)
    with pytest.raises(EntryError, match=f"in {gone.decode()} of hooks"):
        read_hook(to_dict(fields[:at] + fields[at + 2 :]))


def test_figures_that_no_clock_can_say_stop_no_courier() -> None:
    """The stream is open to hands."""
    fields = hook_fields(HOOK)
    fields[fields.index(b"t") + 1] = b"9" * 40
    fields[fields.index(b"due") + 1] = b"soon"
    read = read_hook(to_dict(fields))
    assert (read.at_ms, read.due_ms) == (0, 0)
