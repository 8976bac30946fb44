"""Forms of settings: what cannot be meant is refused at the start, and a secret is not repeated."""

from __future__ import annotations

import pytest

from shared.settings import SettingsError, load

TOKEN = "0123456789abcdef" * 2


def problem(**values: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(env_file=None, **values)
    (only,) = caught.value.problems
    return only


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("openai_api_key", "OPENAI_API_KEY"),
        ("twilio_auth_token", "TWILIO_AUTH_TOKEN"),
        ("webhook_secret", "TRUNKLINE_WEBHOOK_SECRET"),
    ],
)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("canary\n", "a line break at its end"),
        ("can\nary", "a line break after 3 characters"),
        ('"canary"', "quotes around it"),
        ("canary'", "a quote at one end"),
        (" canary", "a blank at its beginning"),
        ("canary ", "a blank at its end"),
    ],
)
def test_a_secret_that_cannot_be_meant(field: str, name: str, value: str, said: str) -> None:
    """Its name, what is odd about it, how long it is; never the secret."""
    text = problem(**{field: value})
    assert text.startswith(f"{name}: expected ")
    assert f"this has {said}: remove it; got {len(value)} characters." in text
    assert "canary" not in text


@pytest.mark.parametrize(
    ("value", "said"), [("can ary", "a blank after 3"), ("can\u200bary", "U+200B after 3")]
)
def test_a_key_is_one_word(value: str, said: str) -> None:
    """A blank or an invisible character inside would be a header that no server takes."""
    assert said in problem(openai_api_key=value)
    assert said in problem(twilio_auth_token=f"{TOKEN},{value}")


def test_two_tokens_may_have_a_blank_behind_the_comma() -> None:
    """That is how people write two; a secret for webhooks may be a sentence."""
    found = load(env_file=None, twilio_auth_token=f"{TOKEN}, {TOKEN}", webhook_secret="correct horse")
    assert len(found.auth_tokens) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("public_url", "https://bridge.example.com\n"),
        ("public_url", '"https://bridge.example.com"'),
        ("openai_base_url", " https://api.openai.com/v1"),
        ("redis_url", "redis://h:1/0 "),
        ("webhook_url", "'https://x.example/hook'"),
        ("twilio_account_sid", "AC" + "0" * 32 + " "),
    ],
)
def test_a_url_says_what_is_odd_about_it(field: str, value: str) -> None:
    """A line break at the end is not seen in most terminals."""
    text = problem(**{field: value})
    assert any(odd in text for odd in ("a line break", "quotes around", "a blank at its")), text


@pytest.mark.parametrize("field", ["model", "voice"])
@pytest.mark.parametrize("value", ["", " marin", "my voice"])
def test_a_name_is_there_and_one_word(field: str, value: str) -> None:
    """An empty one would be refused by the model, on each call."""
    assert problem(**{field: value}).startswith(f"TRUNKLINE_{field.upper()}: expected a name")


def test_transcription_may_be_left_out() -> None:
    """By an empty name."""
    assert load(env_file=None, transcription_model="").transcription_model == ""


@pytest.mark.parametrize(
    ("value", "hint"), [("HE", "did you mean he?"), ("en_US", "en-US?"), ("english", "")]
)
def test_a_language_is_iso_639_1_or_a_tag(value: str, hint: str) -> None:
    """What to write instead is said."""
    text = problem(language=value)
    assert text.startswith("TRUNKLINE_LANGUAGE: expected a language as ISO 639-1 writes it, such as en")
    assert hint in text
    assert [load(env_file=None, language=each).language for each in ("", "en-US")] == ["", "en-US"]


def test_choices_in_capitals_are_taken() -> None:
    """`INFO` is what most people write."""
    found = load(env_file=None, log_level="INFO", log_format="Json", answers_turns="BRAIN")
    assert (found.log_level, found.log_format, found.answers_turns) == ("info", "json", "brain")


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell has seen what stands in `.env`."""
    monkeypatch.setenv("HOME", "/folder")
    assert load(env_file=None, agents_file="~/agents.toml").agents_file == "/folder/agents.toml"
