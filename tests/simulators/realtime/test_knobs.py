"""Knobs of the session, and their command-line form. (Knobs of a response: test_responses.)"""

from __future__ import annotations

import pytest

from simulators.realtime import knobs as knobs_module
from simulators.realtime.knobs import Knobs, ResponseKnobs
from simulators.realtime.session.outlet import Close, Freeze
from tests.simulators.realtime.core_client import CoreClient, pcmu_session


def test_texts_set_knobs_of_session_and_response() -> None:
    """Each name finds its owner and its type."""
    knobs = knobs_module.from_texts(
        ["close_code=4000", "first_audio_ms=2500", "stragglers=none", "2:lost_done=true", "seed=9"]
    )
    assert (knobs.close_code, knobs.seed) == (4000, 9)
    assert knobs.for_response(1) == ResponseKnobs(first_audio_ms=2500.0)
    assert knobs.for_response(2) == ResponseKnobs(first_audio_ms=2500.0, lost_done=True)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("speed", "name=value"),
        ("sped_factor=2", "one of the knobs .*, got 'sped_factor'"),
        ("lost_done=maybe", "true or false"),
        ("speed_factor=fast", "a number"),
        ("item_id=none", "one of"),
        ("x:lost_done=true", "response number"),
        ("2:close_code=1", "one of the knobs .*, got 'close_code'"),
    ],
)
def test_wrong_texts_say_what_was_expected(text: str, complaint: str) -> None:
    """A typing error is explained."""
    with pytest.raises(ValueError, match=complaint):
        knobs_module.from_texts([text])


def test_a_copy_is_independent() -> None:
    """Changing one session's knobs leaves the others alone."""
    knobs = Knobs()
    copy = knobs.copy()
    copy.response.lost_done = True
    assert not knobs.response.lost_done


def test_knob_refuse_updates() -> None:
    """The first update is refused with our event id, the second accepted."""
    client = CoreClient(Knobs(refuse_updates=1))
    (error,) = client.send("session.update", event_id="u1", session=pcmu_session())
    assert error["error"]["event_id"] == "u1"  # type: ignore[index]
    client.send("session.update", session=pcmu_session())
    assert client.until("session.updated")


def test_knob_updated_delay_and_copies() -> None:
    """The confirmation comes late, and twice."""
    client = CoreClient(Knobs(updated_delay_ms=700, updated_copies=2))
    client.send("session.update", session=pcmu_session())
    client.advance(699)
    assert client.of("session.updated") == []
    client.advance(1)
    assert len(client.of("session.updated")) == 2


@pytest.mark.parametrize("code", [1001, 1006, 1011, 4000])
def test_knob_close_on_a_server_event(code: int) -> None:
    """The connection ends with the chosen code right after the third delta."""
    client = CoreClient.ready(
        Knobs(
            close_on="response.output_audio.delta",
            close_on_count=3,
            close_code=code,
            close_reason="why",
        )
    )
    client.send("response.create")
    client.advance(10_000)
    assert client.closes == [Close(code, "why")]
    assert len(client.of("response.output_audio.delta")) == 3
    assert client.types()[-1] == "response.output_audio.delta"
    assert client.record.close_code == code


def test_knob_close_on_a_client_event_after_a_while() -> None:
    """The moment may be an event of the client's, and the close may come later."""
    client = CoreClient.ready(Knobs(close_on="response.create", close_after_ms=200))
    client.send("response.create")
    client.advance(199)
    assert client.closes == []
    client.advance(1)
    assert [close.code for close in client.closes] == [1011]


def test_knob_stall_on() -> None:
    """The driver is told once to leave the socket unread."""
    client = CoreClient.ready(Knobs(stall_on="response.create", stall_reader_ms=900))
    client.send("response.create")
    client.send("response.create")
    assert [stall.duration_ms for stall in client.stalls] == [900]


def test_every_knob_is_named_in_the_help() -> None:
    """`names` lists session and response knobs with defaults."""
    listed = "\n".join(knobs_module.names())
    assert "close_code=1011" in listed
    assert "speed_factor=5.0" in listed
    assert "by_response" not in listed


def test_knob_unanswered_updates() -> None:
    """Neither confirmed nor refused; the next one is."""
    client = CoreClient(Knobs(unanswered_updates=1))
    assert client.send("session.update", session=pcmu_session()) == []
    assert client.advance(10_000) == []
    client.send("session.update", session=pcmu_session())
    assert client.until("session.updated")


def test_knob_freeze_on_asks_for_it_once() -> None:
    """At the first event of that type."""
    client = CoreClient(Knobs(freeze_on="session.update", freeze_ms=700))
    client.send("session.update", session=pcmu_session())
    client.send("session.update", session=pcmu_session())
    assert client.stalls == [Freeze(700)]
