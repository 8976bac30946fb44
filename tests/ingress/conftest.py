"""The ingress under test, for all modules here."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.ingress.harness import Ingress, ingress


@pytest.fixture
async def bridge(valkey_url: str) -> AsyncIterator[Ingress]:
    """A running ingress process on an empty Valkey."""
    async with ingress(valkey_url) as running:
        yield running
