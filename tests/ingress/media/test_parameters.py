"""What the webhook gives a stream along comes back with its start."""

from __future__ import annotations

from ingress.media.parameters import StreamParameters, read_parameters


def test_round_trip() -> None:
    """All four, under the names that stand in our TwiML."""
    said = StreamParameters(token="t", caller="+15550001111", called="+15550002222", agent="sales")
    assert read_parameters(said.write()) == said
    assert said.write() == {"token": "t", "from": "+15550001111", "to": "+15550002222", "agent": "sales"}


def test_what_is_missing_is_empty() -> None:
    """The documents leave out what is empty, and anybody may open a socket and say nothing."""
    assert read_parameters({"x": "y"}) == StreamParameters(token="", caller="", called="", agent="")
