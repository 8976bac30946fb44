"""The telephone in a real browser, with a microphone that plays a clip: a whole call over a whole stack."""

from __future__ import annotations

import re
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from simulators import clips, mulaw
from simulators.realtime import SessionRecord
from tests.console.web.desks import desk_of, served
from tests.e2e.conftest import Bridge
from tests.support.browser import Faults, chromium
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(180)

QUIET_S = 7
"""The greeting is over by then."""

AGAIN_S = 3
"""After the first question the second one comes over its answer."""

CLEARED_MOST_MS = 300
"""From the caller's voice to silence in the page."""

EAR_MS = 20
"""What the model is told of the caller's ear against what the page has played: a frame either way, as with
the simulator's caller (proofs/prove/listening/heard.py)."""

LOOK = """() => {
  const phone = document.querySelector("[data-phone]"), ear = phone.querySelector('[data-meter="out"]');
  window.looks = [];
  new MutationObserver(() => window.looks.push([
    Date.now(), phone.dataset.clears, phone.dataset.waitsMs, phone.dataset.heardMs, ear.value,
  ].map((figure) => Number(figure || 0)))).observe(phone, {
    attributes: true, subtree: true, attributeFilter: ["data-clears", "data-heard-ms", "value"],
  });
}"""


class Look(NamedTuple):
    """What the page tells at one moment of what it plays."""

    at_ms: float
    clears: float
    waits_ms: float
    heard_ms: float
    level: float
    """The loudest sample since the look before, 0 to 1."""


def microphone(folder: Path) -> Path:
    """Silence, a question, the same again over its answer, silence: as Chromium plays it once."""
    path = folder / "microphone.wav"
    quiet, asks = b"\0\0" * 8_000, mulaw.decode(clips.load("en_caller_ask")).tobytes()
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(quiet * QUIET_S + asks + quiet * AGAIN_S + asks + quiet * 90)
    return path


@asynccontextmanager
async def page_of(bridge: Bridge, folder: Path) -> AsyncIterator[Any]:
    """The telephone's page over the whole stack, with that microphone; nothing may be wrong on it."""
    desk = desk_of(
        bridge.store, folder, public_url=bridge.stack.public_url, port=bridge.stack.public_port,
        twilio_auth_token=bridge.stack.auth_token, host="127.0.0.1", web_breaks=True,
    )  # fmt: skip
    flags = (
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone(folder)}%noloop",
        "--autoplay-policy=no-user-gesture-required",
    )  # fmt: skip
    async with served(desk) as url, chromium(*flags) as browser:
        context = await browser.new_context(permissions=["microphone"])
        page, faults = await context.new_page(), Faults(url)
        faults.watch(page)
        await page.goto(f"{url}/phone", wait_until="domcontentloaded")
        yield page
        assert faults.found == []
        await context.close()


async def looks_of(page: Any) -> list[Look]:
    """All since LOOK."""
    return [Look(*figures) for figures in await page.evaluate("window.looks")]


def loudest(clip: str) -> float:
    """The loudest sample of a clip, 0 to 1."""
    return max(map(abs, mulaw.decode(clips.load(clip)))) / 32_768


async def figure(page: Any, name: str) -> float:
    """A figure that the page tells of its call."""
    return float(await page.get_attribute("[data-phone]", f"data-{name}") or 0)


async def until_heard(page: Any, least_ms: float, what: str) -> None:
    """Waits until the page has played so much in all."""

    async def heard() -> bool:
        return await figure(page, "heard-ms") > least_ms

    await wait_until(heard, what, timeout_s=25)


async def until_told(bridge: Bridge, sid: str, kind: str, times: int = 1) -> list[dict[str, str]]:
    """Waits until the journal has so many lines of a kind: these."""

    async def told() -> bool:
        return (await bridge.kinds(sid)).count(kind) >= times

    await wait_until(told, f"{kind} stands in the journal", timeout_s=40)
    return [line for line in await bridge.journal(sid) if line["kind"] == kind]


async def begin(bridge: Bridge, page: Any) -> str:
    """Calls, hears the greeting; the call's SID."""
    await page.click('[data-do="call"]')
    await until_heard(page, 1_000, "the greeting is heard")
    sid = str(await page.get_attribute("[data-phone]", "data-sid"))
    assert (await bridge.card(sid))["state"] == "attached"
    return sid


def typed(session: SessionRecord) -> list[str]:
    """Keys that a model was told were pressed, in order."""
    told = str(session.received_of("conversation.item.create"))
    return [key for keys in re.findall(r"telephone keypad: ([^\]]*)\]", told) for key in keys.split()]


async def hang_up(bridge: Bridge, page: Any, sid: str) -> None:
    """By the page's button."""
    await page.click('[data-do="hangup"]')
    assert (await bridge.until_ended(sid))["outcome"] == "completed"
    await page.wait_for_selector('[data-phone][data-now="over"]')


@pytest.mark.alone
async def test_a_call_from_the_browser(bridge: Bridge, tmp_path: Path) -> None:
    """The greeting is heard, a question answered, a voice over the answer empties the ring; the model is told
    what was heard of it."""
    async with bridge.realtime() as model, page_of(bridge, tmp_path) as page:
        await page.evaluate(LOOK)
        sid = await begin(bridge, page)
        await until_told(bridge, sid, "speech_started")  # Long after the greeting.
        greeting = [look.level for look in await looks_of(page)]
        full = loudest("en_model_greeting")
        assert full / 2 < max(greeting) <= 1.2 * full, (max(greeting), full)
        assert sum(level > full / 10 for level in greeting) >= 10, greeting
        before_ms = await figure(page, "heard-ms")
        first, second = await until_told(bridge, sid, "voice", 2)
        (cut,) = await until_told(bridge, sid, "truncate")

        async def is_empty() -> bool:
            return any(look.clears and not look.waits_ms for look in await looks_of(page))

        await wait_until(is_empty, "the ring is empty")
        cleared = next(look for look in await looks_of(page) if look.clears)
        empty = next(look for look in await looks_of(page) if look.clears and not look.waits_ms)
        assert cleared.waits_ms > 0, "nothing waited to be heard: this was no interruption"
        took_ms = empty.at_ms - int(second["from_ms"])
        assert 0 < took_ms <= CLEARED_MOST_MS, took_ms
        assert int(first["to_ms"]) < int(second["from_ms"])
        heard_ms = empty.heard_ms - before_ms
        assert abs(heard_ms - int(cut["audio_end_ms"])) <= EAR_MS, (heard_ms, cut)
        assert len(model.sessions[0].responses) >= 2
        await until_heard(page, before_ms + heard_ms + 1_000, "the second answer is heard")
        await hang_up(bridge, page, sid)


async def test_a_call_from_the_browser_that_is_broken_on_purpose(bridge: Bridge, tmp_path: Path) -> None:
    """Its stream is cut, its brain is killed: it is talked on, and keys reach the model."""
    bridge.provoked.add("owner_died")
    async with bridge.realtime() as model, page_of(bridge, tmp_path) as page:
        sid = await begin(bridge, page)
        await page.click('[data-break="cut"]')
        await until_told(bridge, sid, "resumed")
        await page.wait_for_selector('[data-phone][data-now="open"]')

        owner = (await bridge.card(sid))["brain"].partition("@")[0]
        bridge.restarted.add(owner)
        await page.click('[data-break="kill"]')
        await until_told(bridge, sid, "owner_lost")
        await until_told(bridge, sid, "session_ready", 2)
        assert (await bridge.card(sid))["brain"].partition("@")[0] != owner
        await page.keyboard.press("5")
        await page.click('[data-digit="7"]')
        await until_told(bridge, sid, "dtmf", 2)
        await until_told(bridge, sid, "caller_text")
        await wait_until(lambda: typed(model.sessions[-1]) == ["5", "7"], "the model is told the keys")
        before_ms = await figure(page, "heard-ms")
        await until_heard(page, before_ms + 1_000, "the heir answers")
        assert len(model.sessions) >= 2
        await hang_up(bridge, page, sid)
        await bridge.stack.until_ready(30.0)
