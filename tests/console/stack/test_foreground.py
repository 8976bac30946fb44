"""`trunkline run`: which parts are embedded, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.text import Text

from console.stack.foreground import advice, options_from, redis_cli
from console.stack.launcher import Stack
from console.stack.plan import DEMO_PUBLIC_URL, Ports, with_realtime, with_valkey
from shared.settings import load

PORTS = Ports(public=21_000, admin_base=22_000, redis=23_000, realtime=24_000)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside."""
    for name in ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PUBLIC_URL", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def said(**settings: str) -> str:
    found = load(env_file=None, **settings)
    stack = Stack(options_from(found, "run", None))
    stack.ports, stack.run_dir = PORTS, Path("/run/x")
    return "\n".join(Text.from_markup(line).plain for line in advice(stack, found))


def test_nothing_set_means_everything_embedded() -> None:
    """Valkey and the simulator, with made-up Twilio values."""
    options = options_from(load(env_file=None), "run", None)
    assert with_valkey(options)
    assert with_realtime(options)
    assert options.public_url == DEMO_PUBLIC_URL


def test_a_redis_a_key_and_a_public_name_are_used() -> None:
    """What is set is not embedded."""
    found = load(
        env_file=None, redis_url="redis://r:1/0", openai_api_key="sk-x", public_url="https://b.example.com"
    )
    options = options_from(found, "run", None)
    assert (options.redis_url, options.model_base_url) == ("redis://r:1/0", "https://api.openai.com/v1")
    assert (options.model_api_key, options.public_url) == ("sk-x", "https://b.example.com")


def test_development_values_are_named_as_such() -> None:
    """And that real calls need real ones."""
    text = said()
    assert "PUBLIC_URL and TWILIO_AUTH_TOKEN not set" in text
    assert "Real calls need both" in text


def test_it_says_where_twilio_is_to_call_and_how_to_call_without_it() -> None:
    """Webhooks, tunnel, simulated call: with the real port and token."""
    text = said(public_url="https://b.example.com", twilio_auth_token="secret-1,secret-2")
    for path in ("/voice ", "/voice/fallback", "/call-status"):
        assert f"https://b.example.com{path}" in text
    assert "http://127.0.0.1:21000" in text
    assert "--dial 127.0.0.1:21000 --auth-token secret-1 " in text
    assert "not set, so made up" not in text


def test_it_says_how_to_look_inside() -> None:
    """With the paths and ports of this run."""
    text = said()
    assert "supervisorctl -c /run/x/supervisord.conf status" in text
    assert "redis-cli -h 127.0.0.1 -p 23000 zrange 'tl:{0}:live' 0 -1" in text
    assert "http://127.0.0.1:22000/metrics" in text


def test_no_password_is_printed() -> None:
    """Neither of Redis nor of the model."""
    text = said(redis_url="rediss://user:hidden@r.example.com:6380/0", openai_api_key="sk-hidden")
    assert "hidden" not in text
    assert "REDISCLI_AUTH=… redis-cli -u rediss://r.example.com:6380/0" in text


def test_redis_cli_for_a_socket_and_for_tls() -> None:
    """The arguments that reach each."""
    assert redis_cli("unix:///tmp/r.sock") == "redis-cli -s /tmp/r.sock"
    assert redis_cli("rediss://r/0") == "redis-cli -h r -p 6379 --tls"
