"""The certificates that this process trusts, read once.

Why it exists: reading them takes a tenth of a second and more, in which the event loop stands still, and
websockets and httpx would read them again for every session and every tool call: each new call would be a
stumble in all the others. Owns: the contexts. Must not know: who connects where.

They are the system's, or those that SSL_CERT_FILE and SSL_CERT_DIR name (Python's `ssl`).
"""

from __future__ import annotations

import ssl
from functools import cache


@cache
def for_sessions() -> ssl.SSLContext:
    """For the sockets to the model."""
    return ssl.create_default_context()


@cache
def for_requests() -> ssl.SSLContext:
    """For HTTP tools and webhooks. Another than for sessions: httpx writes into it what it speaks."""
    return ssl.create_default_context()
