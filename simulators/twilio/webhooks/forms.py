"""The form fields of Twilio's webhooks.

Why it exists: bridges break on what they did not expect there: empty fields (signed all the same), fields
nobody has heard of. Owns: names and values. Pure. Must not know: HTTP. Source: Twilio, voice webhook
parameters; Stream status callback; call progress events.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

API_VERSION = "2010-04-01"

StreamEvent = Literal["stream-started", "stream-stopped", "stream-error"]


def voice_form(
    account_sid: str,
    call_sid: str,
    from_number: str,
    to_number: str,
    call_status: str,
    extra: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Fields of every voice webhook; `extra` overrides or adds."""
    return {
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "CallSid": call_sid,
        "CallStatus": call_status,
        "CallToken": '{"parentCallInfoToken":"simulated","identityHeaderTokens":[]}',
        "Called": to_number,
        "CalledCity": "",
        "CalledCountry": "US",
        "CalledState": "",
        "CalledZip": "",
        "Caller": from_number,
        "CallerCity": "",
        "CallerCountry": "US",
        "CallerState": "",
        "CallerZip": "",
        "Direction": "inbound",
        "From": from_number,
        "FromCity": "",
        "FromCountry": "US",
        "FromState": "",
        "FromZip": "",
        "StirVerstat": "TN-Validation-Passed-A",
        "To": to_number,
        "ToCity": "",
        "ToCountry": "US",
        "ToState": "",
        "ToZip": "",
        "UnannouncedField": "1",  # Twilio adds fields without notice; they are signed too
        **(extra or {}),
    }


def stream_status_form(
    account_sid: str,
    call_sid: str,
    stream_sid: str,
    name: str,
    event: StreamEvent,
    timestamp: str,
    error: str = "",
) -> dict[str, str]:
    """Fields of a Stream's statusCallback; `timestamp` is ISO 8601, UTC."""
    form = {
        "AccountSid": account_sid,
        "CallSid": call_sid,
        "StreamSid": stream_sid,
        "StreamName": name or stream_sid,
        "StreamEvent": event,
        "Timestamp": timestamp,
    }
    if error:
        form["StreamError"] = error
    return form


def call_status_form(
    base: Mapping[str, str], duration_s: int, sequence: int, timestamp: str
) -> dict[str, str]:
    """Fields of the call's own status callback; `base` is its voice form, `timestamp` RFC 2822."""
    return {
        **base,
        "CallDuration": str(duration_s),
        "Duration": str(-(-duration_s // 60)),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence),
        "SipResponseCode": "200",
        "Timestamp": timestamp,
    }
