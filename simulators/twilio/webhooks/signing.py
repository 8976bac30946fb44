"""`X-Twilio-Signature` for webhooks and for the WebSocket upgrade.

Why it exists: the bridge refuses what is not signed, so the simulator must sign exactly as Twilio does, by
Twilio's own library. Owns: which text is signed. Must not know: transports or calls. Source: Twilio
"Security" and `twilio.request_validator` of twilio-python 9.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal
from urllib.parse import urldefrag, urlsplit, urlunsplit

from twilio.request_validator import RequestValidator

HandshakeSignature = Literal["good", "slash", "wrong", "absent", "https"]
"""What the upgrade carries, in this order: a signature over the URL as written, over the URL with a slash
appended, by another token, no signature, or one over the `https://` form (which a bridge must refuse)."""


def sign_webhook(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """The header's value for one webhook: `url` as configured, `params` as they are posted.

    Fragment and user:password are left out; so is the port of an https URL (Twilio keeps it for http). For
    GET, `url` carries its query and `params` is empty.
    """
    parts = urlsplit(urldefrag(url).url)
    host = parts.hostname or ""
    if parts.scheme == "http" and parts.port is not None:
        host = f"{host}:{parts.port}"
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return str(RequestValidator(auth_token).compute_signature(bare, dict(params)))


def sign_upgrade(auth_token: str, url: str, kind: HandshakeSignature = "good") -> str | None:
    """The header's value for the upgrade to `url` (as written in TwiML), or None for `absent`."""
    if kind == "absent":
        return None
    if kind == "wrong":
        auth_token = auth_token[::-1] + "-not-the-token"
    elif kind == "slash":
        url = url.rstrip("/") + "/"
    elif kind == "https":
        url = "https" + url.removeprefix("wss").removeprefix("ws")
    return str(RequestValidator(auth_token).compute_signature(url, {}))
