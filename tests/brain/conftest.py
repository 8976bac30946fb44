"""The brain's tests use one real server: what differs between servers is shared/'s business."""

from __future__ import annotations

import pytest


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """An empty Valkey."""
    return valkey_url
