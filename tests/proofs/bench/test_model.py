"""What the model of the bench writes down."""

from __future__ import annotations

from proofs.bench.model import OPENING_MS, THINKING_MS, coded_voice, knobs, spoken
from proofs.prove.chaos.evidence.coding import pieces
from simulators import clips
from simulators.realtime.protocol.errors import ErrorBody
from simulators.realtime.record import ItemRecord, ResponseRecord, SessionRecord, Violation
from tests.support.record_samples import receives, sends
from tests.support.record_samples import session as record

CLIP = next(name for name, clip in clips.manifest().items() if clip.speaker == "model")


def says(
    session: SessionRecord, item_id: str, response: int, index: int = 0, status: str = "completed"
) -> None:
    from_response = f"resp_{response}"
    sends(
        session,
        "response.output_audio.delta",
        at_ms=100.0 * response,
        item_id=item_id,
        response_id=from_response,
        output_index=index,
        delta="",
    )
    session.items[item_id] = ItemRecord(item_id, "assistant", from_response, generated_ms=1000.0)
    session.responses[from_response] = ResponseRecord(
        from_response, response, "turn", None, False, 0.0, status=status
    )


def test_the_model_thinks_equally_long_each_time() -> None:
    """Nothing about its times is drawn, whatever the seed."""
    for seed in (1, 2):
        made = knobs(seed)
        assert (made.seed, made.opening_ms) == (seed, OPENING_MS)
        assert made.for_response(1).first_audio_ms == made.for_response(7).first_audio_ms == THINKING_MS
        assert made.for_response(1).stragglers is not None


def test_each_frame_says_whose_it_is() -> None:
    """Session, response, item; as long as the clip or up to a frame longer."""
    audio = coded_voice(record(7), 3, 1, CLIP)
    codes = [piece.code for piece in pieces(audio)]
    assert 0 <= len(audio) - len(clips.load(CLIP)) < 160
    assert all(code is not None for code in codes)
    assert {(c.voice.session, c.voice.response, c.voice.item) for c in codes if c is not None} == {(7, 3, 1)}


def test_a_session_is_written_down_by_its_items() -> None:
    """Those that were spoken; truncated and cancelled ones as interrupted."""
    session = record(7)
    says(session, "whole", 1)
    says(session, "second", 1, 1)
    says(session, "cut", 2)
    says(session, "cancelled", 3, status="cancelled")
    session.items["silent"] = ItemRecord("silent", "assistant", "resp_1")
    receives(session, "conversation.item.truncate", item_id="cut", audio_end_ms=10)
    found = spoken(session)
    assert [(item.key, item.interrupted) for item in found.items] == [
        ((7, 1, 0), False),
        ((7, 1, 1), False),
        ((7, 2, 0), True),
        ((7, 3, 0), True),
    ]
    assert (found.items[0].length_bytes, found.items[0].began_ms) == (8000, 100.0)


def test_only_what_the_caller_said_is_a_turn() -> None:
    """No text that the bridge put into the caller's mouth."""
    session = record()
    for item_id in ("said", "typed"):
        session.items[item_id] = ItemRecord(item_id, "user", None)
    receives(session, "conversation.item.create", item={"type": "message", "role": "user"})
    receives(session, "conversation.item.create", item={"type": "message", "role": "system"})
    assert spoken(session).turns_heard == 1


def test_errors_and_complaints_are_told_in_words() -> None:
    """Who reads them has no record to look into."""
    session = record()
    session.errors.append(ErrorBody(type="x", code="rate_limit", message="", param=None, event_id=None))
    session.violations.append(Violation(0.0, "binary_frame", "4 bytes"))
    assert (spoken(session).errors, spoken(session).violations) == (["rate_limit"], ["binary_frame: 4 bytes"])
