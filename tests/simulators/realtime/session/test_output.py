"""Server events have the shape that the SDK's types declare."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import get_args

import pytest
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import BaseModel

from simulators.realtime.knobs import Knobs, ResponseKnobs
from tests.simulators.realtime.core_client import CoreClient, Event, pcmu_session

# What recordings show beyond, or against, the SDK's types.
RECORDED = {"obfuscation", "phase"}


def server_types() -> Iterator[tuple[str, type[BaseModel]]]:
    """Event name and class of every server event in the SDK."""
    for member in get_args(get_args(RealtimeServerEvent)[0]):
        for name in get_args(member.model_fields["type"].annotation):
            yield name, member


SERVER_TYPES = dict(server_types())


@cache
def everything() -> list[Event]:
    """Events of a session in which as much as possible happens."""
    knobs = Knobs(by_response={2: ResponseKnobs(second_message=True), 4: ResponseKnobs(fail="x")})
    client = CoreClient(knobs)
    session = pcmu_session(idle_timeout_ms=5000)
    session["audio"]["input"]["transcription"] = {"model": "gpt-realtime-whisper"}  # type: ignore[index]
    client.send("session.update", session=session)
    client.advance(100)
    client.send("response.create")
    client.until("response.done")
    client.say()
    client.until("response.done")
    item_id = next(i.item_id for i in client.record.items.values() if i.role == "assistant")
    client.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=500)
    client.send("conversation.item.retrieve", item_id=item_id)
    client.send("conversation.item.delete", item_id=item_id)
    client.say("en_caller_interrupt")
    client.until("response.done")
    client.send("response.create")
    client.until("response.done")
    client.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
    client.until("response.done")
    client.send("input_audio_buffer.clear")
    client.send("response.cancel")
    client.until("input_audio_buffer.timeout_triggered")
    client.until("response.done")
    return client.events


def test_events_validate_against_the_sdk() -> None:
    """Every event has every declared field, of the declared type."""
    events = everything()
    names = {str(event["type"]) for event in events}
    assert len(names) >= 30, sorted(names)
    for event in events:
        SERVER_TYPES[str(event["type"])].model_validate(event)


def test_events_have_no_undeclared_fields() -> None:
    """At the top of an event nothing stands that neither the SDK nor a recording knows."""
    for event in everything():
        declared = SERVER_TYPES[str(event["type"])].model_fields
        assert event.keys() - declared.keys() <= RECORDED, event


def test_event_ids_are_unique_and_shaped() -> None:
    """`event_` and 21 characters, never twice."""
    ids = [str(event["event_id"]) for event in everything()]
    assert len(set(ids)) == len(ids)
    assert all(len(event_id) == len("event_") + 21 for event_id in ids)


@pytest.mark.parametrize("prefix", ["resp", "item", "call"])
def test_other_ids_are_shaped(prefix: str) -> None:
    """`resp_`, `item_` and 21 characters, `call_` and 16: nothing above the 32 that clients may use."""
    length = len(prefix) + 1 + (16 if prefix == "call" else 21)
    found = {word for word in str(everything()).split("'") if word.startswith(f"{prefix}_")}
    ids = {word for word in found if any(letter.isdigit() for letter in word)}
    assert ids
    assert {len(word) for word in ids} == {length}
