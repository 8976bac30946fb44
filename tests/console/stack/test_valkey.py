"""The embedded Valkey's command line."""

from __future__ import annotations

import pytest

from console.stack.valkey import server_command


def test_listens_where_redis_url_says_and_keeps_nothing() -> None:
    """Loopback only, no persistence, no eviction."""
    words = server_command("/bin/valkey-server", "redis://127.0.0.1:6400/0")
    text = " ".join(words)
    assert words[0] == "/bin/valkey-server"
    assert "--port 6400 --bind 127.0.0.1" in text
    assert "--save  --appendonly no --maxmemory-policy noeviction" in text


def test_the_default_port_is_redis_own() -> None:
    """A URL without one means 6379."""
    assert "6379" in server_command("b", "redis://localhost/0")


@pytest.mark.parametrize(
    "url", ["redis://10.0.0.1:6379/0", "rediss://127.0.0.1/0", "unix:///tmp/s", "redis://:secret@127.0.0.1/0"]
)
def test_another_redis_is_refused_without_showing_a_password(url: str) -> None:
    """What was expected, what there was, what to do."""
    with pytest.raises(
        ValueError, match=r"expected redis://127\.0\.0\.1:<port>/0.*leave the program"
    ) as caught:
        server_command("b", url)
    assert "secret" not in str(caught.value)
