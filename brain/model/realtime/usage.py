"""What the Realtime server says that a response or a transcript has used, and when the caller's voice was.
Pure.

Why it exists: `response.done` is what is billed, and says it once. Owns: these fields of the server's
events, and what stands for one that is missing. Must not know: what anything costs, who adds it up.

Cached tokens are counted by the server as a part of those that were put in, and are kept so. Where it does
not say of which kind they are, they are taken for text first: what is cached is the beginning, and that is
the instructions. Tokens of a kind that is not named are text. A figure that is none, or below 0, is 0.
"""

from __future__ import annotations

from brain.json_fields import Json, inner, number, text
from shared.contract.bill.usage import ModelUsage, used

DONE = "response.done"
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
DAY_S = 86_400


def read_usage(event: Json, model: str, transcriber: str) -> ModelUsage | None:
    """What an event says was used, of `model` or of its `transcriber`; None for all others, and for a
    response that says nothing: one that was cancelled or has failed may."""
    match text(event, "type"):
        case kind if kind == DONE:
            found = inner(inner(event, "response"), "usage")
            return _of_response(model, found) if found else None
        case kind if kind == TRANSCRIBED:
            found = inner(event, "usage")
            return _of_transcript(transcriber, found) if found else None
        case _:
            return None


def ago_ms(event: Json, given_ms: float) -> float:
    """How long ago it was that the voice began or ended that this event tells of, by the audio that the
    server had been given (`given_ms` of it); 0 where it does not say."""
    for name in ("audio_start_ms", "audio_end_ms"):
        at_ms = number(event, name)
        if at_ms is not None:
            return max(0.0, given_ms - at_ms)
    return 0.0


# Private.


def _of_response(model: str, found: Json) -> ModelUsage:
    put_in, out = inner(found, "input_token_details"), inner(found, "output_token_details")
    audio_in, audio_out = _figure(put_in, "audio_tokens"), _figure(out, "audio_tokens")
    text_in = max(_figure(put_in, "text_tokens"), _figure(found, "input_tokens") - audio_in)
    text_out = max(_figure(out, "text_tokens"), _figure(found, "output_tokens") - audio_out)
    cached = inner(put_in, "cached_tokens_details")
    if cached:
        text_cached, audio_cached = _figure(cached, "text_tokens"), _figure(cached, "audio_tokens")
    else:
        total = _figure(put_in, "cached_tokens")
        text_cached = min(total, text_in)
        audio_cached = total - text_cached
    return used(
        model,
        text_in=text_in,
        text_cached=min(text_cached, text_in),
        audio_in=audio_in,
        audio_cached=min(audio_cached, audio_in),
        text_out=text_out,
        audio_out=audio_out,
    )


def _of_transcript(model: str, found: Json) -> ModelUsage:
    """By time, or by tokens: what the transcriber is paid by."""
    if text(found, "type") == "duration":
        match found.get("seconds"):
            case int() | float() as seconds if 0 < seconds < DAY_S:
                return used(model, sound_ms=round(seconds * 1000))
            case _:
                return used(model)
    put_in = inner(found, "input_token_details")
    audio_in = _figure(put_in, "audio_tokens") if put_in else _figure(found, "input_tokens")
    return used(
        model,
        text_in=_figure(put_in, "text_tokens"),
        audio_in=audio_in,
        text_out=_figure(found, "output_tokens"),
    )


def _figure(found: Json, name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
