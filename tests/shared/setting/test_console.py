"""Settings of the console, the archive and the budgets: what they may be, and where they stand."""

from __future__ import annotations

import pytest

from shared.setting.console import ConsoleSettings, in_order
from shared.settings import Settings, SettingsError, environment_name, load


def test_they_are_shown_last() -> None:
    """Whoever sets up calls reads those of calls first."""
    shown = in_order(Settings.model_fields)
    assert set(shown) == set(Settings.model_fields)
    assert shown[0] == "redis_url"
    assert set(shown[-len(ConsoleSettings.model_fields) :]) == set(ConsoleSettings.model_fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("web_shows", "text,passwords"),
        ("web_proxies", "proxy.example.com"),
        ("web_names", "a name"),
        ("web_user_header", "X Forwarded User"),
        ("web_host", "::1"),
        ("web_grafana_url", "javascript:alert(1)"),
        ("archive_url", "mysql://host/db"),
        ("archive_url", "sqlite:///"),
        ("archive_days", -1),
        ("budget_day", -0.5),
        ("web_token", "two words"),
    ],
)
def test_what_cannot_be_meant_is_refused(name: str, value: object) -> None:
    """By its own name."""
    with pytest.raises(SettingsError) as refused:
        load(env_file=None, **{name: value})
    assert environment_name(name) in str(refused.value) or name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("web_shows", "text, numbers"),
        ("web_proxies", "10.0.0.5, fd00::1"),
        ("web_names", "console.example.com,other.example.com"),
        ("archive_url", "postgresql://app@db/trunkline"),
        ("archive_url", "sqlite:////var/lib/trunkline/calls.sqlite"),
        ("caller_key", "new, old"),
    ],
)
def test_what_can_be_meant_is_taken(name: str, value: str) -> None:
    """Lists with blanks behind their commas, servers and files."""
    assert load(env_file=None, **{name: value})


def test_a_password_of_the_archive_is_shown_to_nobody() -> None:
    """It stands in a URL."""
    with pytest.raises(SettingsError) as refused:
        load(env_file=None, archive_url="mysql://app:hunter2@db/calls")
    assert "hunter2" not in str(refused.value)
