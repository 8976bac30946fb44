"""Signs what is sent to the user's own systems, by the Standard Webhooks specification.

Why it exists: webhooks and HTTP tools are signed alike, so that one library on the other side verifies both.
Owns: the three headers. Pure. Must not know: what is sent, or where. A dozen lines of the standard library's
HMAC against a fixed specification; tests/brain/test_signing.py checks them against its own example.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from shared.forms import signing_key


def signed_headers(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers of one message: HMAC-SHA256 over id, timestamp and body, joined by dots."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    digest = hmac.new(signing_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
