"""The first half of the settings: it comes first in every table, and is read as the other half."""

from __future__ import annotations

import pytest

from shared.setting.service import ServiceSettings
from shared.settings import Settings, environment_name, load


def test_they_stand_before_all_others_in_their_order() -> None:
    """Tables are made in the order of declaration."""
    first = list(ServiceSettings.model_fields)
    assert list(Settings.model_fields)[: len(first)] == first
    assert first[0] == "redis_url"


def test_each_is_read_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """With our prefix, or under the name that the world knows."""
    assert (environment_name("public_url"), environment_name("voice")) == ("PUBLIC_URL", "TRUNKLINE_VOICE")
    monkeypatch.setenv("PUBLIC_URL", "https://bridge.example.com")
    monkeypatch.setenv("TRUNKLINE_VOICE", "cedar")
    settings = load(env_file=None)
    assert (settings.public_url, settings.voice) == ("https://bridge.example.com", "cedar")
