"""What happened in a call as bands over time: voices, replies made and heard, tools, trouble, take-overs.
Pure.

Why it exists: the picture of a call is drawn live and afterwards, from Redis and from the archive, and must
say the same. Owns: the shapes of that picture, bands that go on, what is known of each response. Must not
know: which entry begins or ends which band (telling), how a band looks (drawing).

Times are ms since the call's first stream, by the server's clock; of the caller's voice by the brain's,
which says where in the audio it was. What is still going on ends at `until_ms`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace


class Lane(enum.StrEnum):
    """A line of the picture, from above."""

    VOICE = "caller"
    MADE = "reply made"
    HEARD = "reply heard"
    TOOLS = "tools"
    OURS = "our sounds"
    OWNERS = "processes"
    TROUBLE = "trouble"


class Tone(enum.StrEnum):
    """How a band or a mark is meant; the page has a colour for each."""

    VOICE = "voice"
    WAIT = "wait"
    MADE = "made"
    HEARD = "heard"
    CUT = "cut"
    TOOL = "tool"
    OURS = "ours"
    CHANGE = "change"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Something that lasted."""

    lane: Lane
    tone: Tone
    from_ms: int
    to_ms: int
    label: str = ""
    """A few words, shown where there is room."""
    note: str = ""
    """A sentence."""
    is_open: bool = False
    """It is going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something that happened at a moment."""

    lane: Lane
    tone: Tone
    at_ms: int
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One response: when its audio was made, how much of it, when it was heard."""

    response_id: str
    asked_ms: int
    first_ms: int | None = None
    done_ms: int | None = None
    length_ms: int | None = None
    """Of all its items; None: not known yet."""
    audible_ms: int | None = None
    silent_ms: int | None = None
    was_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All of one call."""

    until_ms: int
    """Its length, or how long it has lasted."""
    is_over: bool
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    responses: tuple[Made, ...]


@dataclass(slots=True)
class Sheet:
    """What of a call was told so far; `story` is all of it."""

    began_at_ms: int
    bands: list[Band] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    ended_ms: int | None = None
    _open: dict[tuple[Lane, str], Band] = field(default_factory=dict)
    """Bands that go on: by lane and by what they are of."""
    _made: dict[str, Made] = field(default_factory=dict)
    """By response, in order."""
    _of_item: dict[str, str] = field(default_factory=dict)
    """item → its response."""
    _lengths: dict[str, int] = field(default_factory=dict)
    """item → how long it is."""
    _claims: dict[str, int] = field(default_factory=dict)
    """role → how often it was claimed."""

    def story(self, now_ms: int) -> Story:
        """What was told so far."""
        until_ms = now_ms if self.ended_ms is None else self.ended_ms
        is_over = self.ended_ms is not None
        going_on = [
            replace(band, to_ms=max(band.from_ms, until_ms), is_open=not is_over)
            for band in self._open.values()
        ]
        return Story(
            until_ms=until_ms,
            is_over=is_over,
            bands=tuple(sorted([*self.bands, *going_on], key=lambda band: band.from_ms)),
            marks=tuple(self.marks),
            responses=tuple(self._measured()),
        )

    # Bands and marks.

    def begin(self, lane: Lane, of: str, tone: Tone, at_ms: int, label: str = "", note: str = "") -> None:
        """A band begins; one of the same that was never ended ends here."""
        self.end(lane, of, at_ms)
        self._open[lane, of] = Band(lane=lane, tone=tone, from_ms=at_ms, to_ms=at_ms, label=label, note=note)

    def end(self, lane: Lane, of: str, at_ms: int, *, tone: Tone | None = None, label: str = "") -> None:
        """A band ends, if it is going on: as another one than it began, if it turned out so."""
        band = self._open.pop((lane, of), None)
        if band is not None:
            ended = replace(
                band, to_ms=max(band.from_ms, at_ms), tone=tone or band.tone, label=label or band.label
            )
            self.bands.append(ended)

    def drop(self, lane: Lane, of: str) -> None:
        """A band that is said better by another."""
        self._open.pop((lane, of), None)

    def end_all(self, lane: Lane, at_ms: int) -> None:
        """All bands of a lane end."""
        for each, of in list(self._open):
            if each is lane:
                self.end(lane, of, at_ms)

    def mark(self, lane: Lane, tone: Tone, at_ms: int, label: str, note: str = "") -> None:
        """A moment."""
        self.marks.append(Mark(lane=lane, tone=tone, at_ms=at_ms, label=label, note=note))

    # Responses.

    def response(self, response_id: str, at_ms: int) -> Made:
        """What is known of a response by now; it was asked for by `at_ms`, if nothing is."""
        return self._made.setdefault(response_id, Made(response_id=response_id, asked_ms=at_ms))

    def knows(self, response_id: str) -> bool:
        """Whether a response was told of."""
        return response_id in self._made

    def keep(self, made: Made) -> None:
        """More is known of it."""
        self._made[made.response_id] = made

    def item(self, item_id: str, response_id: str) -> None:
        """An item is one of this response."""
        if item_id and response_id:
            self._of_item[item_id] = response_id

    def length(self, item_id: str, ms: int) -> None:
        """An item has all its audio."""
        self._lengths[item_id] = ms

    def claimed(self, role: str) -> int:
        """A role is claimed: for the how many-th time."""
        self._claims[role] = self._claims.get(role, 0) + 1
        return self._claims[role]

    # Private.

    def _measured(self) -> list[Made]:
        lengths: dict[str, int] = {}
        for item_id, response_id in self._of_item.items():
            if item_id in self._lengths:
                lengths[response_id] = lengths.get(response_id, 0) + self._lengths[item_id]
        return [replace(made, length_ms=lengths.get(made.response_id)) for made in self._made.values()]
