"""Records made by hand: a healthy call, and its parts."""

from __future__ import annotations

from collections.abc import Iterable

from proofs.prove.chaos.evidence.shapes import (
    Call,
    Evidence,
    Frame,
    Got,
    Item,
    Leg,
    OtherSound,
    Response,
    Said,
    Session,
)
from proofs.prove.listening.spans import Span

SID = "CA" + "1" * 32


def heard(
    session: int, response: int, from_ms: float, frames: Iterable[int], *, call: int = 1, clip: int = 1
) -> list[Frame]:
    """Frames of one item, one behind the other."""
    return [
        Frame(from_ms + 20.0 * at, session, response, 0, frame, call, clip) for at, frame in enumerate(frames)
    ]


def response(
    number: int,
    created_ms: float,
    frames: int,
    *,
    status: str = "completed",
    cut_ms: float | None = None,
    done_ms: float | None = None,
    clip: int = 0,
) -> Response:
    """A response of one item."""
    return Response(
        number=number,
        response_id=f"resp_{number}",
        reason="turn",
        created_ms=created_ms,
        done_ms=created_ms + 500 if done_ms is None else done_ms,
        status=status,
        items=[Item(index=0, frames=frames, cut_ms=cut_ms, clip=clip)],
    )


def said(number: int, started_ms: float, frames: int) -> Said:
    """The caller spoke."""
    return Said(
        number=number,
        started_ms=started_ms,
        voice=Span(started_ms, started_ms + 20 * frames),
        frames=frames,
    )


def got(number: int, from_ms: float, frames: Iterable[int]) -> list[Got]:
    """What a session got of that."""
    return [Got(from_ms + 20 * at, 1, number, frame) for at, frame in enumerate(frames)]


def call(
    *,
    number: int = 1,
    call_sid: str = SID,
    is_hit: bool = True,
    heard: Iterable[Frame] = (),
    arrived: Iterable[Frame] = (),
    other: Iterable[OtherSound] = (),
    said: Iterable[Said] = (),
    sessions: Iterable[Session] = (),
    legs: Iterable[Leg] = (Leg(0.0, None, "open", 0.0),),
    ended_ms: float = 60_000.0,
    is_finished: bool = True,
    lateness_ms: Iterable[float] = (),
) -> Call:
    """A call that was answered at 0."""
    return Call(
        number=number,
        call_sid=call_sid,
        is_hit=is_hit,
        answered_ms=0.0,
        ended_ms=ended_ms,
        ended="caller_hung_up",
        is_finished=is_finished,
        heard=list(heard),
        arrived=list(arrived),
        other=list(other),
        said=list(said),
        legs=list(legs),
        sessions=list(sessions),
        lateness_ms=list(lateness_ms),
    )


def session(
    number: int,
    *responses: Response,
    opened_ms: float = 0.0,
    opening_ms: float = 1_000.0,
    got: Iterable[Got] = (),
) -> Session:
    """A session that stays open."""
    return Session(
        number=number,
        opened_ms=opened_ms,
        opening_ms=opening_ms,
        closed_ms=None,
        responses=list(responses),
        got=list(got),
    )


def healthy(*, is_hit: bool = True, number: int = 1, call_sid: str = SID) -> Call:
    """Greeting from 2 s to 4 s, one turn from 5 s to 6 s, its answer from 7 s to 9 s."""
    return call(
        number=number,
        call_sid=call_sid,
        is_hit=is_hit,
        heard=[
            *heard(number, 1, 2_000, range(100), call=number),
            *heard(number, 2, 7_000, range(100), call=number, clip=2),
        ],
        said=[said(1, 5_000, 50)],
        sessions=[
            session(
                number,
                response(1, 1_500, 100),
                response(2, 6_600, 100),
                got=[Got(each.at_ms, number, 1, each.frame) for each in got(1, 5_100, range(50))],
            )
        ],
        ended_ms=10_000,
    )


def row(*calls: Call, faults_ms: Iterable[float] = (8_000.0,), back_ms: float | None = None) -> Evidence:
    """A row of these calls."""
    return Evidence(row="row", seed=1, faults_ms=list(faults_ms), back_ms=back_ms, calls=list(calls))
