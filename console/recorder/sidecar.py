"""What the sidecar of a recording says, in words. Pure.

Why it exists: whether a recording is whole, since when callers knew, and that nobody has changed it stands
beside the sound, and is asked for where the sound is. Owns: these words. Must not know: files, pages.

A sidecar may be of another version, or somebody may have edited it: what is not as it should be is left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from console.calls.journal import date
from console.recorder.placing import LOST, PAUSED, STREAM
from console.text import NONE, duration

Told = Mapping[str, object]

Facts = tuple[tuple[str, str], ...]
"""Name, words."""

WHY = {LOST: "lost", STREAM: "without a stream", PAUSED: "paused"}
"""Silences of a recording, by why they are."""


def facts(told: Told) -> Facts:
    """How long, since when, what is missing, its hash."""
    announced_ms = _whole(told, "announced_at_ms")
    found = (
        ("length", length(told)),
        ("recorded from", _date(told, "recorded_from_ms")),
        ("announced, UTC", date(announced_ms) if announced_ms else "not by us"),
        ("gaps", _silences(told)),
        ("frames of the caller lost", str(_whole(told, "lost_frames"))),
        ("SHA-256", word(told, "sha256")),
    )
    return tuple((name, words or NONE) for name, words in found)


def length(told: Told) -> str:
    """As 1:05; a dash where it is not told."""
    seconds = told.get("seconds")
    return duration(seconds * 1000) if isinstance(seconds, int | float) else NONE


def word(told: Told, name: str) -> str:
    """A text of it; empty where there is none."""
    found = told.get(name)
    return found if isinstance(found, str) else ""


def ended_ms(told: Told) -> int:
    """When its call ended, or else when it began to be recorded; 0: nobody knows."""
    return _whole(told, "ended_at_ms") or _whole(told, "recorded_from_ms")


# Private.


def _whole(told: Told, name: str) -> int:
    found = told.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10**14 else 0


def _date(told: Told, name: str) -> str:
    at_ms = _whole(told, name)
    return date(at_ms) if at_ms else ""


def _silences(told: Told) -> str:
    """How many of each kind, and how long they are together."""
    spans = told.get("silences")
    if not isinstance(spans, list):
        return ""
    found: dict[str, list[int]] = {}
    for span in spans:
        if isinstance(span, dict):
            found.setdefault(word(span, "why"), []).append(_whole(span, "ms"))
    said = [
        f"{len(each)} {WHY.get(why, why or 'of no kind')}, {sum(each) / 1000:.1f} s"
        for why, each in found.items()
    ]
    return "; ".join(said) or "none"
