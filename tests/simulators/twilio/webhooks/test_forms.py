"""Form fields of the webhooks."""

from __future__ import annotations

from simulators.twilio.webhooks import forms


def test_the_voice_form_has_empty_and_unknown_fields() -> None:
    """Both are signed by Twilio, and both break careless bridges."""
    form = forms.voice_form("AC1", "CA1", "+1", "+2", "ringing", {"FromCity": "Haifa"})

    assert (form["From"], form["Caller"], form["To"], form["Called"]) == ("+1", "+1", "+2", "+2")
    assert form["ToCity"] == ""
    assert form["FromCity"] == "Haifa"
    assert "UnannouncedField" in form


def test_stream_status_names_the_error_only_when_there_is_one() -> None:
    """And the stream by its sid when it has no name."""
    fine = forms.stream_status_form("AC1", "CA1", "MZ1", "", "stream-stopped", "t")
    bad = forms.stream_status_form("AC1", "CA1", "MZ1", "n", "stream-error", "t", "why")

    assert "StreamError" not in fine
    assert fine["StreamName"] == "MZ1"
    assert (bad["StreamError"], bad["StreamName"]) == ("why", "n")


def test_the_final_call_status_counts_seconds_and_begun_minutes() -> None:
    """CallDuration in seconds, Duration in minutes."""
    form = forms.call_status_form({"CallSid": "CA1"}, 61, 0, "t")

    assert (form["CallDuration"], form["Duration"]) == ("61", "2")
    assert form["CallSid"] == "CA1"
