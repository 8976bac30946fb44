"""What can be wrong with what comes from outside, each with the reason that a counter carries.

    IngressError            the peer's fault, never ours
    ├── WireError           a message of the carrier that cannot be taken (`fault`)
    ├── StartRefused        a media stream that may not be attached (`reason`)
    │   └── TokenError      its token opens nothing
    └── BadRequest          a request that no carrier sends (`status`)
    WrongSocketError        the operator's: an OSError, as all that keeps us from listening

Owns: the errors, the closed sets of their reasons. Pure. Must not know: who raises what. No text holds a
payload, a token or a number.
"""

from __future__ import annotations

import enum


class Fault(enum.StrEnum):
    """Why a message of a media socket was not taken."""

    NOT_JSON = "not_json"
    NOT_OBJECT = "not_object"
    BAD_FIELD = "bad_field"
    WRONG_STREAM = "wrong_stream"
    EMPTY_PAYLOAD = "empty_payload"
    BAD_BASE64 = "bad_base64"
    BAD_SID = "bad_sid"
    BAD_DIGIT = "bad_digit"
    # Judged by the gate, which knows what came before.
    UNKNOWN_EVENT = "unknown_event"
    MEDIA_BEFORE_START = "media_before_start"
    OUT_OF_PLACE = "out_of_place"


class TokenReason(enum.StrEnum):
    """Why a stream token was refused."""

    MISSING = "token_missing"
    MALFORMED = "token_malformed"
    WRONG = "token_wrong"
    EXPIRED = "token_expired"
    SPENT = "token_spent"


class StartReason(enum.StrEnum):
    """Why a `start` was refused although its token may be good: its data, or the answer of ATTACH."""

    WRONG_FORMAT = "wrong_format"
    WRONG_ACCOUNT = "wrong_account"
    OLDER_LEG = "older_leg"
    CALL_ENDED = "call_ended"
    CALL_OLDER = "call_older"
    """Redis knows a newer stream of the call."""
    CALL_TOO_MANY = "call_too_many"


class WebhookReason(enum.StrEnum):
    """Why a webhook got no stream although it asked for one, or was not believed."""

    FULL = "full"
    """As many calls as may are in the deployment."""
    PROCESS = "process"
    """As many as may are in this process."""
    LATE = "late"
    """Its event loop is late: another call would cost those that are on the line."""
    FILES = "files"
    """It has few descriptors left."""
    MODEL = "model"
    """Little is left of the model account's rate."""
    CALLER_AT_ONCE = "caller_at_once"
    CALLER_CALLS = "caller_calls"
    CALLER_MINUTES = "caller_minutes"
    CALLER_TRANSFERS = "caller_transfers"
    """The caller has had what one may have, at once or in a day. With the last one the call goes on, and whom
    it was to reach is busy."""
    ENDED = "ended"
    DRAINING = "draining"
    NO_REDIS = "no_redis"
    REDIS_REFUSES = "redis_refuses"
    """It is there, and takes no writes: no memory, no disk, no replicas, no permission."""
    WRONG_ACCOUNT = "wrong_account"
    LOOP = "loop"
    SIGNATURE = "signature"
    BAD_REQUEST = "bad_request"


class IngressError(Exception):
    """Something from outside that is not taken."""


class WireError(IngressError):
    """A message that cannot be taken."""

    def __init__(self, fault: Fault, text: str) -> None:
        self.fault = fault
        super().__init__(text)


class StartRefused(IngressError):
    """A `start` that may not be attached. `reason` goes into the close frame, the log, a counter."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"expected a stream that may be attached, got one with {reason}")


class TokenError(StartRefused):
    """A token that opens nothing."""

    def __init__(self, reason: TokenReason) -> None:
        super().__init__(reason)


class BadRequest(IngressError):
    """A request that no carrier sends; `status` is answered."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


class WrongSocketError(OSError):
    """The inherited socket listens elsewhere than the settings say."""
