"""Settings: what is wrong is named, with what was expected, what was got, and never a secret's value."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError, environment_name, load


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither the developer's environment nor their .env takes part."""
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)
    monkeypatch.chdir(tmp_path)


def problems(role: str | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(role)
    return caught.value.problems


def test_defaults_are_enough_for_egress() -> None:
    """A role without needs of its own starts on defaults."""
    assert load("egress").redis_url == "redis://127.0.0.1:6379/0"


def test_a_missing_setting_is_named_with_its_meaning() -> None:
    """The brain cannot start without a key, and says which variable it is."""
    (problem,) = problems("brain")
    assert problem.startswith("OPENAI_API_KEY is missing")


def test_each_missing_setting_has_its_line() -> None:
    """Ingress misses two."""
    assert [problem.split()[0] for problem in problems("ingress")] == ["PUBLIC_URL", "TWILIO_AUTH_TOKEN"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PUBLIC_URL", "http://bridge.example.com", "https://"),
        ("PUBLIC_URL", "https://bridge.example.com/voice", "without a path"),
        ("REDIS_URL", "http://x", "redis://"),
        ("OPENAI_BASE_URL", "ftp://x", "http://"),
        ("TRUNKLINE_PORT", "99999", "less than or equal to 65535"),
        ("TRUNKLINE_PORT", "abc", "valid integer"),
        ("TRUNKLINE_FALLBACK_NUMBER", "5551234", "E.164"),
        ("TRUNKLINE_LOG_LEVEL", "loud", "'debug', 'info'"),
        ("TWILIO_ACCOUNT_SID", "12", "Account SID"),
        ("TRUNKLINE_TWILIO_API_URL", "http://api.example.com", "sent the token"),
        ("TRUNKLINE_PROXY_URL", "socks5://proxy.example.com:1080", "http://proxy.example.com:3128"),
        ("TRUNKLINE_PROXY_URL", "http://proxy.example.com/path", "without a path"),
        ("TRUNKLINE_INCOMING_URL", "http://who.example.com", "https://"),
        ("TRUNKLINE_INCOMING_WITHIN_S", "9", "less than or equal to 5"),
    ],
)
def test_a_wrong_setting_says_what_was_expected_and_what_came(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    """One line: the variable's name, the expectation, the value."""
    monkeypatch.setenv(name, value)
    (problem,) = problems()
    assert problem.startswith(f"{name}: ")
    assert expected in problem
    assert repr(value) in problem


def test_a_loopback_origin_may_be_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """For trying things out without TLS; the stream's scheme follows."""
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8080/")
    assert load().stream_url == "ws://127.0.0.1:8080/media"


def test_two_auth_tokens_while_rotating(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are accepted, the first one signs."""
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "new, old")
    assert load().auth_tokens == ("new", "old")


def test_an_env_file_is_read(tmp_path: Path) -> None:
    """`.env` in the working folder; unknown names in it are not ours."""
    (tmp_path / ".env").write_text("TRUNKLINE_PORT=8123\nOTHER=1\n", encoding="utf-8")
    assert load().port == 8123


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor str gives them away."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "tok-canary")
    assert "canary" not in repr(load()) + str(load())


def test_every_setting_is_explained() -> None:
    """The README's table is made from these sentences."""
    assert all(info.description for info in Settings.model_fields.values())


def test_a_secret_that_is_missing_shows_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """What concerns several settings is checked on all of them: none of their values is in the message."""
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "canary-token")
    with pytest.raises(SettingsError) as refused:
        load(env_file=None, webhook_url="https://x.example/canary-path")

    assert refused.value.problems == [
        "TRUNKLINE_WEBHOOK_SECRET is missing: webhooks are signed, and TRUNKLINE_WEBHOOK_URL is set."
    ]


@pytest.mark.parametrize(
    "url", ["ftp://me:canary@x.example/", "https://x.example:99999/", "https:// x.example", "https://[x/"]
)
def test_a_webhook_url_that_cannot_be_asked_is_refused_at_start(url: str) -> None:
    """Not at each delivery; a password in it is not repeated."""
    with pytest.raises(SettingsError, match="expected an https:// URL") as refused:
        load(env_file=None, webhook_url=url, webhook_secret="s")

    assert "canary" not in str(refused.value)


@pytest.mark.parametrize("secret", ["whsec_!", "whsec_abc"])
def test_a_webhook_secret_that_cannot_sign_is_refused_at_start(secret: str) -> None:
    """Not when the first event is to be delivered."""
    with pytest.raises(SettingsError, match="expected base64 after whsec_"):
        load(env_file=None, webhook_url="https://x.example/hook", webhook_secret=secret)


@pytest.mark.parametrize("name", ["host_name", "apology_voice"])
def test_a_word_ends_where_its_pattern_does(name: str) -> None:
    """A line break behind it is no part of a name."""
    assert load(env_file=None, **{name: "a.b-c"})
    with pytest.raises(SettingsError):
        load(env_file=None, **{name: "a.b-c\n"})


def test_no_pattern_is_left_to_pydantic() -> None:
    """One with the letters of all scripts costs megabytes in each process."""
    assert "'pattern'" not in str(Settings.model_json_schema())


def test_whoever_asks_who_calls_signs_too() -> None:
    """With the same secret, which is missed by the name of the URL that needs it."""
    with pytest.raises(SettingsError) as refused:
        load(env_file=None, incoming_url="https://x.example/canary-path")

    assert refused.value.problems == [
        "TRUNKLINE_WEBHOOK_SECRET is missing: webhooks are signed, and TRUNKLINE_INCOMING_URL is set."
    ]
    asked = load(env_file=None, incoming_url="https://x.example/", webhook_secret="s")
    assert asked.told_events == frozenset()


def test_the_password_of_a_proxy_is_not_repeated() -> None:
    """It may stand in its URL."""
    assert load(env_file=None, proxy_url="http://me:canary@proxy.example:3128/").proxy_url.endswith(":3128")
    with pytest.raises(SettingsError) as refused:
        load(env_file=None, proxy_url="ftp://me:canary@proxy.example:3128")

    assert "canary" not in str(refused.value)
