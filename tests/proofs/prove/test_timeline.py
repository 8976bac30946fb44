"""One call as text."""

from __future__ import annotations

from proofs.prove.timeline import timeline
from tests.support.record_samples import (
    audio,
    call,
    clears,
    hears,
    line,
    marks,
    receives,
    sends,
    session,
    speaks,
    utters,
)


def test_everybodys_doings_stand_in_order_of_time() -> None:
    """The caller's, the bridge's, the model's; deltas as one first and one last."""
    caller, model = call(), session()
    utters(caller, 500, 1500)
    receives(model, "response.create", at_ms=1600, event_id="e1")
    speaks(model, "item_a", audio(1, 20), at_ms=2000)
    speaks(model, "item_a", audio(21, 20), at_ms=2050)
    hears(caller, audio(1, 20), 2100)
    clears(caller, 2200)
    marks(caller, "m1")
    lines = timeline(caller, [model], []).splitlines()

    assert [float(each.split()[0]) for each in lines] == sorted(float(each.split()[0]) for each in lines)
    said = [" ".join(each.split()[1:]) for each in lines]
    assert said == [
        "caller begins to speak",
        "caller is silent",
        "to model 1 response.create event_id=e1",
        "model 1 first audio of item_a",
        "model 1 last audio of item_a: 800 ms in all",
        "telephone audio begins",
        "egress clear",
        "telephone audio ends after 100 ms: cleared",
    ]


def test_nobodys_words_get_in() -> None:
    """Neither from the journal nor from the model: a timeline may be passed on."""
    caller, model = call(), session()
    sends(model, "response.done", response={"id": "resp_1", "status": "completed", "output": ["SECRET"]})
    sends(model, "response.output_audio_transcript.delta", delta="SECRET")
    text = timeline(caller, [model], [line("said", 1, text="SECRET", transcript="SECRET", wish=7)])

    assert "SECRET" not in text
    assert "response.id=resp_1 response.status=completed" in text
    assert "wish=7" in text
