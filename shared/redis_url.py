"""What the URL of a Redis must look like, and what may be shown of it.

Why it exists: redis-py finds a slip in it only where it connects, and its words may repeat a password. Owns:
the check at the start, the form without a secret. Must not know: who connects.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import parse_url

from shared.forms import oddity_of, secret_shown

SCHEMES = ("redis", "rediss", "unix")
DEFAULT_PORT = 6379
DEFAULT_USER = "default"
EXPECTED = "expected a URL such as redis://host:6379/0, rediss:// or unix://"


def problem_of(url: str) -> str:
    """Why it cannot be used, without what it says; empty when it can."""
    odd = oddity_of(url)
    if odd:
        return f"{EXPECTED}, in one word; this has {odd}"
    try:
        parts = urlsplit(url)
        _ = parts.port  # Raises when it is not a port.
    except ValueError:
        return (
            f"{EXPECTED}, with a number as port; a password with / ? # @ or : in it needs these as %2F %3F"
            " %23 %40 %3A"
        )
    if parts.scheme not in SCHEMES:
        return EXPECTED
    if parts.scheme == "unix" and not parts.path:
        return f"{EXPECTED}, with the path of a socket: unix:///run/redis.sock"
    if parts.scheme != "unix":
        if not parts.hostname:
            return f"{EXPECTED}, with a host"
        if parts.path.strip("/") and not parts.path.strip("/").isdigit():
            return f"{EXPECTED}, with the number of a database behind the last /"
    try:
        parse_url(url)
    except (ValueError, TypeError) as error:
        # What it complains of is an option behind the ?: it names the option, not its value.
        return f"{EXPECTED}; {error}" if parts.query else EXPECTED
    return ""


def user_of(url: str) -> str:
    """The Redis user that it logs in as."""
    return unquote(urlsplit(url).username or "") or DEFAULT_USER


def place_of(url: str) -> str:
    """Where the server is: the URL without user, password and options."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or DEFAULT_PORT}{parts.path}"


def login_of(url: str) -> str:
    """How it logs in, in words: the user, and how long the password is."""
    password = unquote(urlsplit(url).password or "")
    if not password:
        return f"user {user_of(url)}, no password"
    odd = oddity_of(password)
    return f"user {user_of(url)}, a password of {secret_shown(password)}{f' with {odd}' if odd else ''}"
