"""Where settings come from, and names that nobody reads."""

from __future__ import annotations

import pytest

from shared.setting.sources import Doubt, Origin, doubts, in_effect

KEY = {"OPENAI_API_KEY": "sk-canary"}


def test_each_setting_says_where_it_comes_from() -> None:
    """The environment goes before the file, the file before the default; secrets are lengths."""
    environ = {**KEY, "trunkline_port": "9000", "REDIS_URL": "redis://:canary@h:1/0"}
    found = {each.field: each for each in in_effect(environ, {"TRUNKLINE_PORT": "1", "TRUNKLINE_VOICE": "x"})}
    assert (found["port"].value, found["port"].origin) == ("9000", Origin.ENVIRONMENT)
    assert (found["voice"].value, found["voice"].origin) == ("x", Origin.FILE)
    assert (found["lead_ms"].value, found["lead_ms"].origin) == ("300", Origin.DEFAULT)
    assert found["openai_api_key"].value == "set (9 characters)"
    assert found["twilio_auth_token"].value == "not set"
    assert found["redis_url"].value == "redis://…@h:1/0"
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("TRUNKLINE_VOCE", "TRUNKLINE_VOICE"),
        ("TRUNKLINE_LEADMS", "TRUNKLINE_LEAD_MS"),
        ("OPENAI_KEY", "OPENAI_API_KEY"),
        ("TWILIO_TOKEN", "TWILIO_AUTH_TOKEN"),
        ("REDIS_URI", "REDIS_URL"),
        ("TRUNKLINE_QQQ", ""),
    ],
)
def test_a_misspelt_name_is_doubted(name: str, near: str) -> None:
    """With the one that may be meant, if one is near."""
    assert doubts({name: "x"}, {}) == [Doubt(name, Origin.ENVIRONMENT, near)]
    assert doubts({}, {name: "x"}) == [Doubt(name, Origin.FILE, near)]
    said = str(doubts({name: "x"}, {})[0])
    assert f"did you mean {near}?" in said if near else "`trunkline settings`" in said


@pytest.mark.parametrize(
    "environ",
    [
        {"PATH": "/bin", "PUBLIC_IP": "1.2.3.4", "OPENAI_LOG": "debug"},
        {"TRUNKLINE_VOICE": "x", "trunkline_port": "1", "TRUNKLINE_REDIS_URL": "redis://h"},
        {"TRUNKLINE_STACK": "a", "TRUNKLINE_TLS_PEM": "b"},
        # What is set already cannot be what was meant.
        {**KEY, "OPENAI_API_TYPE": "azure"},
    ],
)
def test_what_others_read_is_not_doubted(environ: dict[str, str]) -> None:
    """Other programs have variables too, and so do our own tests and proxies."""
    assert doubts(environ, {}) == []
