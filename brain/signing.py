"""Signs what is sent to the user's own systems, by the Standard Webhooks specification.

Why it exists: webhooks and HTTP tools are signed alike, so that one library on the other side verifies both.
Owns: the three headers. Pure. Must not know: what is sent, or where. A dozen lines of the standard library's
HMAC against a fixed specification; tests/brain/test_signing.py checks them against its own example.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """`whsec_` and base64, as the specification writes secrets; anything else is taken as it stands.

    Raises ValueError for what is not base64 after `whsec_`.
    """
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            raise ValueError(f"expected base64 after {PREFIX} in the secret") from None
    return secret.encode()


def signed_headers(secret: str, message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The headers of one message: HMAC-SHA256 over id, timestamp and body, joined by dots."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp_s, body)
    digest = hmac.new(key_of(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
