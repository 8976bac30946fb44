"""The demo's stack, whatever is set."""

from __future__ import annotations

import pytest

from console.demo.play import demo_options
from console.stack.plan import DEMO_PUBLIC_URL, SIMULATED_API_KEY, with_realtime
from shared.settings import load


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting from outside."""
    for name in ("REDIS_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL", "PUBLIC_URL", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_real_numbers_are_left_alone() -> None:
    """A public name and tokens that are set belong to real calls: the demo makes its own up."""
    found = load(env_file=None, public_url="https://real.example.com", twilio_auth_token="real")
    options = demo_options(found, "en", None)
    assert (options.public_url, options.auth_token, options.port) == (DEMO_PUBLIC_URL, "", 0)


def test_the_simulator_speaks_the_language_that_was_asked_for() -> None:
    """And the roles hear it, with the tool of the conversation."""
    options = demo_options(load(env_file=None), "he", None)
    assert not options.web
    assert with_realtime(options)
    assert options.model_api_key == SIMULATED_API_KEY
    assert options.simulator_args == ("--script", "hebrew")
    assert options.environment["TRUNKLINE_LANGUAGE"] == "he"
    assert options.environment["TRUNKLINE_DEMO_TOOLS"] == "true"


def test_a_key_means_a_real_model() -> None:
    """Which then speaks as it likes."""
    options = demo_options(load(env_file=None, openai_api_key="sk-x"), "en", None)
    assert not with_realtime(options)
    assert options.model_api_key == "sk-x"
