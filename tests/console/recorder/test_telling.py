"""What is told of a recording."""

from __future__ import annotations

import orjson

from console.recorder.telling import hook_of, of_call
from shared.contract.card import CallState
from shared.contract.streams.hooks import Event
from shared.contract.views import TapedView
from tests.support.redis_samples import ONE

VIEW = TapedView(
    state=CallState.ENDED, started_at_ms=1_000, ended_at_ms=9_000, from_number="…89", to_number="…22",
    caller_tag="a" * 32, agent="sales", outcome="completed", taped_from_ms=2_000,
)  # fmt: skip


def test_a_sidecar_says_whose_it_is() -> None:
    told = of_call(ONE, VIEW)
    assert (told["call_sid"], told["agent"], told["from"], told["to"]) == (ONE, "sales", "…89", "…22")
    assert (told["caller_tag"], told["announced_at_ms"]) == ("a" * 32, 2_000)


def test_of_a_call_whose_card_is_gone_only_its_name_is_known() -> None:
    assert of_call(ONE, None) == {"call_sid": ONE}


def test_a_webhook_names_the_file_and_what_is_silent_in_it() -> None:
    """Told twice, it has the same id."""
    silences = [{"at_ms": 0, "ms": 0, "why": "lost", "was_ms": 5_000}]
    sidecar = {"seconds": 1.5, "sha256": "0" * 64, "channels": ["l", "r"], "silences": silences, "agent": "a"}
    hook = hook_of(ONE, sidecar)
    assert (hook.event, hook.call_sid, hook.event_id) == (Event.RECORDED, ONE, f"{ONE}-recorded")
    details = orjson.loads(hook.details)
    assert details == {"file": f"{ONE}.wav", "seconds": 1.5, "sha256": "0" * 64, "channels": ["l", "r"],
                       "silences": silences}  # fmt: skip
