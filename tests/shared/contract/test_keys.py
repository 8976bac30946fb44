"""The key names, pinned: operators, dashboards and older processes know them by heart."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis.crc import key_slot

from shared.contract.keys import (
    ADMITTED,
    AUDIT,
    CONFIG,
    COUNTED_BY,
    MODEL,
    SPEECH,
    WORKERS,
    Keys,
    caller_day,
    is_permanent,
    lane_of,
    sound_key,
)

CALL = "CA" + "0" * 31 + "1"
WORKER = "brain-0@host#1a2b"


def test_each_key_is_what_it_always_was() -> None:
    """A changed string here is a changed contract."""
    keys = Keys(1)
    assert keys.calls(0) == "tl:{0}:calls"
    assert keys.live(0) == "tl:{0}:live"
    assert keys.ended(0) == "tl:{0}:ended"
    assert keys.slots(0) == "tl:{0}:slots"
    assert keys.hooks(0) == "tl:{0}:hooks"
    assert keys.tapes(0) == "tl:{0}:tapes"
    assert keys.janitor(0) == "tl:{0}:janitor"
    assert keys.card_in(0, CALL) == keys.card(CALL)
    assert keys.wake(0, WORKER) == f"tl:{{0}}:wake:{WORKER}"
    assert keys.owned(0, WORKER) == f"tl:{{0}}:owned:{WORKER}"
    assert keys.card(CALL) == f"tl:{{0}}:call:{CALL}"
    assert keys.caller(CALL) == f"tl:{{0}}:call:{CALL}:caller"
    assert keys.turn(CALL) == f"tl:{{0}}:call:{CALL}:turn"
    assert keys.reply(CALL) == f"tl:{{0}}:call:{CALL}:reply"
    assert keys.control(CALL) == f"tl:{{0}}:call:{CALL}:control"
    assert keys.journal(CALL) == f"tl:{{0}}:call:{CALL}:journal"
    assert keys.history(CALL) == f"tl:{{0}}:call:{CALL}:history"
    assert keys.token(CALL) == f"tl:{{0}}:call:{CALL}:token"
    assert keys.number(CALL) == f"tl:{{0}}:call:{CALL}:number"
    assert keys.out("ingress-0@h#1") == "tl:out:ingress-0@h#1"
    assert keys.back("egress-0@h#1") == "tl:back:egress-0@h#1"
    assert keys.worker(WORKER) == f"tl:worker:{WORKER}"
    assert sound_key("0f3a") == "tl:{sound}:0f3a"
    assert keys.spent("2026-01-05") == "tl:{spent}:2026-01-05"
    assert (CONFIG, WORKERS, SPEECH) == ("tl:config", "tl:workers", "tl:speech")
    assert (AUDIT, MODEL) == ("tl:audit", "tl:model")
    assert (ADMITTED, COUNTED_BY) == ("tl:{admitted}", "tl:{admitted}:by")
    assert caller_day("0f") == "tl:{admitted}:of:0f"


def test_the_lane_of_a_call_never_changes() -> None:
    """Lanes are stored data: another hash would lose every live call."""
    assert lane_of(CALL, 64) == 46
    assert lane_of("CA" + "f" * 32, 64) == 57


def test_all_keys_of_a_call_share_its_lane() -> None:
    """Scripts touch several of them in one step, which a Cluster allows within one slot only."""
    keys = Keys(64)
    tag = f"{{{keys.lane(CALL)}}}"
    parts = [keys.part(CALL, part) for part in ("caller", "turn", "reply", "control", "journal", "history")]
    assert all(tag in key for key in [keys.card(CALL), *parts])


def test_an_unknown_part_is_refused() -> None:
    """A misspelt part would be a key that nobody reads."""
    with pytest.raises(ValueError, match="expected one of caller"):
        Keys(1).part(CALL, "callers")


@pytest.mark.parametrize(
    ("key", "permanent"),
    [
        ("tl:{0}:calls", True),
        ("tl:{63}:live", True),
        ("tl:workers", True),
        ("tl:config", True),
        ("tl:{0}:slots", False),
        ("tl:{admitted}", False),
        ("tl:{admitted}:by", False),
        ("tl:{0}:ended", False),
        (f"tl:{{0}}:call:{CALL}", False),
        ("tl:out:ingress-0@h#1", False),
    ],
)
def test_what_may_live_for_ever(key: str, permanent: bool) -> None:
    """Four names, nothing else."""
    assert is_permanent(key) is permanent


@pytest.mark.parametrize("named", [sound_key, Keys().spent, caller_day])
def test_keys_of_which_there_are_many_share_a_slot(named: Callable[[str], str]) -> None:
    """A process on a Cluster has a connection for each slot outside the lanes, and only so many of them."""
    assert len({key_slot(named(each).encode()) for each in ("0f3a", "91bc", "2026-01-05")}) == 1
