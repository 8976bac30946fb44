"""What becomes of a call whose media stream is gone: it ends now, or waits for another stream.

Why it exists: a stream ends in the same way whether the caller has hung up or we have moved them. Owns: the
rule, its waits, the outcomes that it chooses. Pure. Must not know: who ends a call, how one waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.contract.card import TONES_MOST, Next
from shared.contract.streams.control import STOPPED

APOLOGY = "apology"
"""The outcome of a call whose caller heard one."""

ABANDONED = "abandoned"
"""The outcome of a call that nobody had any more."""

DIAL_TIMEOUT_S = 25
"""How long a dialled number may ring: a voice mailbox takes most calls from about half a minute on."""

NEW_STREAM_WITHIN_S = 5.0
"""A lost or moved stream has this long to come back before the call ends."""

PLAYED_WITHIN_S = TONES_MOST * 1.0 + NEW_STREAM_WITHIN_S
"""Tones are played before the new stream is opened, each for up to a second."""

DIALLED_WITHIN_S = DIAL_TIMEOUT_S + 10.0
"""A number that rang in vain sends the caller back within this. Later the transfer has worked: the rest of
the call is between those two, and nothing of ours has to stay for it."""

RESUMED_WITHIN_S = 2.0
"""The carrier asks what comes next as soon as a stream is closed. A Redis that could not be asked for longer
than this was away then, and the caller was told the apology that needs no Redis."""


@dataclass(frozen=True, slots=True)
class EndNow:
    """It ends now."""

    outcome: str


@dataclass(frozen=True, slots=True)
class EndLater:
    """It ends after this time, unless it has another stream by then."""

    after_s: float
    outcome: str


AFTER: dict[Next, EndLater] = {
    Next.NOTHING: EndLater(NEW_STREAM_WITHIN_S, "no_new_stream"),
    Next.HANG_UP: EndLater(NEW_STREAM_WITHIN_S, "hangup"),
    # Else /voice/resume ends it, when it says the plan's words.
    Next.APOLOGY: EndLater(NEW_STREAM_WITHIN_S, APOLOGY),
    # Who was dialled and did not send the caller back has taken the call: our part is over.
    Next.DIAL: EndLater(DIALLED_WITHIN_S, "transferred"),
    Next.DIGITS: EndLater(PLAYED_WITHIN_S, "no_new_stream"),
}
"""By what is planned: written down with the end of the stream, since whoever decides may be gone by then.
The first one stands for a plan that only a newer version knows."""


def decide(cause: str, planned: Next | None, waited_s: float = 0.0) -> EndNow | EndLater:
    """`cause`: why the stream is gone. `planned`: what the card said was to come next; None for a plan that
    only a newer version knows. `waited_s`: how long Redis could not be asked."""
    match planned:
        case Next.NOTHING if cause == STOPPED:
            return EndNow("completed")  # Nobody wanted it but the caller.
        case Next.HANG_UP:
            return EndNow("hangup")
        case Next.APOLOGY if waited_s > RESUMED_WITHIN_S:
            return EndNow(APOLOGY)
    return AFTER[planned or Next.NOTHING]
