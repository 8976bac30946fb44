"""Debian's Chromium, driven by playwright: for what only a browser can tell.

Neither is a dependency of the product. Without them these tests skip loudly here, and fail in CI.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.servers import missing, needed

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
"""Without a sandbox: tests may run as root, where Chromium has none."""


@contextlib.asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Any]:
    """A browser; a page of it is a `playwright.async_api.Page`."""
    path = needed("chromium")
    if importlib.util.find_spec("playwright") is None:
        missing("playwright (pip install -e '.[browser]')")
    api = importlib.import_module("playwright.async_api")
    async with api.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            await browser.close()


@dataclass(slots=True)
class Faults:
    """What went wrong on a page that nobody may see: errors in its console, requests to other hosts."""

    here: str
    """The origin of the console."""
    found: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        """From now on. (Playwright leaves a note at whose method it is given: here it could not.)"""
        page.on("console", lambda message: self._said(message))
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request))

    # Private.

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.here, "data:", "blob:")):
            self.found.append(f"asked {request.url}")


async def serious(page: Any) -> list[str]:
    """What axe finds on a page that is serious or worse: its rule, and where."""
    if importlib.util.find_spec("axe_playwright_python") is None:
        missing("axe-playwright-python (pip install -e '.[browser]')")
    axe = importlib.import_module("axe_playwright_python.async_playwright").Axe()
    found = await axe.run(page)
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes']][:3]}"
        for each in found.response["violations"]
        if each["impact"] in ("serious", "critical")
    ]
