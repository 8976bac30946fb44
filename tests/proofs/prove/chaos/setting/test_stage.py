"""Who is who on a stage."""

from __future__ import annotations

from pathlib import Path
from random import Random

from proofs.prove.chaos.evidence.coding import Code
from proofs.prove.chaos.faults import Profile, Story
from proofs.prove.chaos.setting.stage import Cast, Setting, call_of
from proofs.prove.silence.cast import OPENING_MS
from simulators.realtime import Knobs, SessionRecord

HEADERS = {"x-client-request-id": "CA1/7"}


def cast() -> Cast:
    """One call, the third of its row."""
    return Cast(Path("/nowhere"), Random(1), numbers={"CA1": 3}, stories={"CA1": Story.TOOL})


def test_a_session_is_for_the_call_that_its_request_names() -> None:
    """It has that call's story, and is counted from the moment it is asked for."""
    mine = cast()
    knobs = mine.knobs(HEADERS)

    assert call_of(HEADERS) == "CA1"
    assert knobs.script == "/nowhere/tool.toml"
    assert mine.asked == {"CA1": 1}
    assert mine.knobs({}).script == ""


def test_sessions_open_as_real_ones_do() -> None:
    """By chance, unless a row needs to know."""
    mine = cast()
    assert all(OPENING_MS[0] <= mine.knobs(HEADERS).opening_ms <= OPENING_MS[1] for _ in range(50))
    mine.opening_ms["CA1"] = 1_234.0
    assert mine.knobs(HEADERS).opening_ms == 1_234.0


def test_the_model_says_whose_words_it_speaks() -> None:
    """Call, session and response stand in each frame."""
    session = SessionRecord(
        number=5, session_id="s", model="m", knobs=Knobs(), opened_at_ms=0.0, headers=HEADERS
    )
    code = Code.read(cast().voice(session, 2, 0, "en_model_short"), 0)
    assert code is not None
    assert (code.voice.call, code.voice.session, code.voice.response) == (3, 5, 2)


def test_keys_are_named_as_the_shape_of_redis_wants() -> None:
    """On a Cluster in lanes, and what passes between processes too."""
    assert Setting().keys.out("ingress-0@h#1") == "tl:out:ingress-0@h#1"
    spread = Setting(profile=Profile.CLUSTER).keys
    assert spread.lanes > 1
    assert spread.out("ingress-0@h#1", 2) == "tl:{2}:out:ingress-0@h#1"


def test_what_was_unplugged_is_not_used_again() -> None:
    """A host of a role, or of a Redis."""
    assert Setting(far="brain").is_for_once
    assert Setting(profile=Profile.PARTED).is_for_once
    assert not Setting(profile=Profile.CLUSTER).is_for_once
