"""The gate of a new session: nothing flows before the server has confirmed µ-law both ways.

Why it exists: a session starts with 24 kHz PCM both ways; µ-law read as PCM is noise to the model, and PCM
played as µ-law is static to the caller. Owns: the order created → our update → updated, and what each wrong
step means. Pure. Must not know: the socket.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from brain.errors import EngineError
from brain.json_fields import Json, inner, text
from brain.model.realtime.session import MU_LAW

FATAL_CODES = frozenset(
    {
        "invalid_api_key",
        "insufficient_quota",
        "account_deactivated",
        "billing_hard_limit_reached",
        "beta_api_shape_disabled",
        "invalid_intent",
        "model_not_found",
    }
)
"""Codes after which neither waiting nor a new session helps."""

PASSING_CODES = frozenset({"server_error", "rate_limit_exceeded", "inference_rate_limit_exceeded"})
"""The provider's own trouble: the same session, asked for again, may well be granted."""

MAX_SAID_CHARS = 300
"""Of a refusal in words."""

SESSION_EXPIRED = "session_expired"
"""This session is over; the next one will do."""


MAX_LIFE_MS = 24 * 3_600_000.0
"""An expiry further away than this is a clock that is wrong, ours or theirs."""


class GateStep(enum.Enum):
    """What the driver does next."""

    WAIT = enum.auto()
    SEND_UPDATE = enum.auto()
    OPEN = enum.auto()
    REFUSED = enum.auto()


@dataclass(slots=True)
class SessionGate:
    """One session's gate. `reason`, `is_fatal` and `expires_at_s` are set on the way."""

    update_id: str
    session_id: str = ""
    expires_at_s: int = 0
    reason: str = ""
    said: str = ""
    """The provider's own sentence about what it refuses."""
    is_fatal: bool = True
    """Whether what was refused would be refused again."""
    updated: bool = False

    def handle(self, event: Json) -> GateStep:
        """The next step after a server event; events that do not concern the gate wait."""
        match text(event, "type"):
            case "session.created":
                return self._created(inner(event, "session"))
            case "session.updated":
                return self._updated(inner(event, "session"))
            case "error":
                return self._error(inner(event, "error"))
            case _:
                return GateStep.WAIT

    @property
    def refusal(self) -> EngineError:
        """Why the session does not open."""
        return EngineError("session_refused", self.reason, fatal=self.is_fatal, said=self.said)

    def life_ms(self, now_wall_ms: int) -> float:
        """How long the server lets the session live from now on; 0: it does not say, or not what can be."""
        left_ms = self.expires_at_s * 1000 - now_wall_ms
        return float(left_ms) if self.expires_at_s and 0 < left_ms <= MAX_LIFE_MS else 0.0

    def _created(self, session: Json) -> GateStep:
        self.session_id = text(session, "id")
        expires_at = session.get("expires_at")
        self.expires_at_s = expires_at if isinstance(expires_at, int) else 0
        return GateStep.SEND_UPDATE

    def _updated(self, session: Json) -> GateStep:
        audio = inner(session, "audio")
        for direction in ("input", "output"):
            echoed = text(inner(inner(audio, direction), "format"), "type")
            if echoed != MU_LAW:
                self.reason = f"expected {MU_LAW} as {direction} format, got {echoed or 'nothing'}"
                return GateStep.REFUSED
        self.updated = True
        return GateStep.OPEN

    def _error(self, error: Json) -> GateStep:
        code = text(error, "code") or text(error, "type")
        ours = text(error, "event_id") in ("", self.update_id)
        if code in FATAL_CODES or ours:
            where = text(error, "param")
            self.reason, self.is_fatal = f"{code} in {where}" if where else code, code not in PASSING_CODES
            self.said = text(error, "message")[:MAX_SAID_CHARS]
            return GateStep.REFUSED
        return GateStep.WAIT
