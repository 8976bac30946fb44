"""The web console in a real browser: every page, small and large, light and dark, with a script and
without."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.archive.writer import Writer
from console.web.desk import Desk
from console.web.reading import Looks
from shared.clock import wall_ms
from shared.contract.bill import usage
from shared.contract.entry import to_dict
from shared.contract.keys import CALL_PARTS
from shared.contract.streams.history import ItemEntry, ItemHeard, ItemLength, history_fields
from shared.contract.streams.journal import Kind
from shared.contract.streams.tape import ENTRY_MS, Piece, TapeEntry, samples, tape_command
from shared.logs.log import get_log
from shared.store.client import Store, make_store
from tests.console.archive.samples import end_call
from tests.console.listen.test_sound import said
from tests.console.recorder.test_files import record
from tests.console.web.desks import desk_of, served
from tests.support.browser import Faults, chromium, serious
from tests.support.reading import waiting_reads
from tests.support.redis_samples import (
    BRAIN,
    EGRESS,
    INGRESS,
    KEYS,
    ONE,
    TWO,
    make_living_call,
    make_worker,
)
from tests.support.servers import OWN_TIMEOUT_S
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(240), pytest.mark.xdist_group("browser")]

HEBREW = "איפה ההזמנה שלי, מספר 4217?"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>\u202e'
ARCHIVED, UNKNOWN = "CA" + "8" * 32, "CA" + "9" * 32
"""A call that only the archive has, and one of which only its recording is left."""

PAGES = {
    "live": "/", "call": f"/calls/{ONE}", "past": "/past", "fleet": "/fleet", "phone": "/phone",
    "audit": "/audit", "recorded": f"/calls/{TWO}", "archived": f"/calls/{ARCHIVED}",
    "recordings": "/recordings",
}  # fmt: skip
TOKEN = "a-token-of-some-length"
WIDTHS = (360, 1440)
SCHEMES = ("light", "dark")

SHOTS = "TRUNKLINE_SHOTS"
"""A folder in the environment: pictures of the pages are left there."""


async def write(store: Store, kind: Kind, writer: str = BRAIN, **fields: str) -> None:
    await store.xadd(KEYS.journal(ONE), {"v": "1", "kind": kind.value, "from": writer, **fields})


async def say(store: Store, text: str, item_id: str, role: str = "assistant") -> None:
    entry = ItemEntry(item_id=item_id, role=role, text=text, final=True)
    await store.xadd(KEYS.history(ONE), to_dict(history_fields(entry)))


async def a_call(store: Store) -> None:
    """One that has talked: a greeting, a question in Hebrew, an answer that was cut."""
    spoken = usage.used("gpt-realtime-2.1", audio_in=1_500, audio_cached=1_200, audio_out=90)
    await make_living_call(
        store, ONE, agent="sales", phase="speaking", phase_at_ms=str(wall_ms()), response_ms="640",
        usage=usage.dump([spoken]), cost_micros="41260",
    )  # fmt: skip
    await write(store, Kind.RESPONSE_CREATED, response="r1", by="server")
    await write(store, Kind.FIRST_AUDIO, response="r1")
    await write(store, Kind.AUDIBLE, EGRESS, response="r1", item="i1", cut="0", heard_ms="0")
    await say(store, "Hello, how can I help you?", "i1")
    now_ms = wall_ms()
    await write(store, Kind.VOICE, item="u1", from_ms=str(now_ms - 1_500), to_ms=str(now_ms))
    await say(store, HEBREW, "u1", "user")
    await say(store, f"Your order is {HOSTILE} on its way, and will be there tomorrow.", "i2")
    heard = ItemHeard(item_id="i2", ms=3_000, of_ms=9_000, complete=True)
    for entry in (ItemLength(item_id="i2", ms=9_000), heard):
        await store.xadd(KEYS.history(ONE), to_dict(history_fields(entry)))
    await write(store, Kind.TOOL_STARTED, tool=HOSTILE, call_id="c1", response="r1")


async def gone_from_redis(store: Store, sid: str) -> None:
    """As an hour after its end."""
    await store.zrem(KEYS.ended(KEYS.lane(sid)), sid)
    await store.delete(KEYS.card(sid), *(KEYS.part(sid, part) for part in CALL_PARTS))


@pytest.fixture
async def desk(valkey_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A console of a deployment that is at work."""
    store = make_store(valkey_url, name="test", timeout_s=OWN_TIMEOUT_S)
    await a_call(store)
    await end_call(store, TWO, agent="sales")
    made = desk_of(
        store, tmp_path, web_shows="text,numbers", public_url="https://b.trunkline.test",
        twilio_auth_token="t" * 32, web_breaks=True,
    )  # fmt: skip
    made.looks = Looks(store, KEYS, with_words=True, fresh_ms=0.0)
    assert made.shelf is not None
    writer = Writer(store=store, keys=KEYS, shelf=made.shelf, log=get_log(), keep_days=30.0, with_text=True)
    await end_call(store, ARCHIVED, agent="sales")
    await writer.round()
    await gone_from_redis(store, ARCHIVED)
    made.recordings.make()
    for sid in (TWO, UNKNOWN):
        record(made.recordings, sid, agent=HOSTILE)
    yield made
    made.shelf.close()
    await store.aclose()


async def settled(page: Any, url: str) -> None:
    """A page streams for as long as it is open, so the network is never idle: it is there when its title
    is."""
    await page.goto(url, wait_until="domcontentloaded")
    await page.wait_for_selector("main h1")


@contextlib.asynccontextmanager
async def opened(desk: Desk, path: str, script: str = "") -> AsyncIterator[Any]:
    """A page, after a script of the test's own; nothing may go wrong on it."""
    async with served(desk) as url, chromium() as browser:
        page, faults = await browser.new_page(), Faults(url)
        faults.watch(page)
        if script:
            await page.add_init_script(script)
        await settled(page, f"{url}{path}")
        yield page
        assert faults.found == []


async def is_in_order(page: Any, where: str) -> None:
    """Nothing sticks out of the page that is open; axe finds nothing serious on it."""
    too_wide = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert too_wide <= 0, f"{where} is {too_wide} px too wide"
    assert await serious(page) == [], where


async def test_every_page_at_both_sizes_and_in_both_schemes(desk: Desk) -> None:
    """Nothing sticks out, nothing is logged, nobody else is asked; axe finds nothing serious."""
    shots = os.environ.get(SHOTS, "")
    async with served(desk) as url, chromium() as browser:
        for width in WIDTHS:
            for scheme in SCHEMES:
                context = await browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme
                )
                page, faults = await context.new_page(), Faults(url)
                faults.watch(page)
                for name, path in PAGES.items():
                    await settled(page, f"{url}{path}")
                    await is_in_order(page, f"{name} at {width}, {scheme}")
                    if shots:
                        await page.screenshot(path=f"{shots}/{name}-{width}-{scheme}.png")
                assert faults.found == []
                await context.close()


async def test_the_form_that_asks_for_the_token(desk: Desk, tmp_path: Path) -> None:
    """At both sizes and in both schemes; who shows the token sees the pages, and signs out again."""
    asks = desk_of(desk.store, tmp_path, web_token=TOKEN)
    async with served(asks) as url, chromium() as browser:
        for width in WIDTHS:
            for scheme in SCHEMES:
                context = await browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme
                )
                page, faults = await context.new_page(), Faults(url)
                faults.watch(page)
                await settled(page, f"{url}/calls/{ONE}")
                assert page.url == f"{url}/login"
                await is_in_order(page, f"login at {width}, {scheme}")
                await page.fill("#token", TOKEN)
                await page.keyboard.press("Enter")
                await page.wait_for_selector("h1:has-text('Live calls')")
                await is_in_order(page, f"live with a session at {width}, {scheme}")
                await page.click("text=Sign out")
                await page.wait_for_selector("#token")
                assert faults.found == []
                await context.close()
    assert asks.shelf is not None
    asks.shelf.close()


async def test_a_call_of_the_archive_and_what_was_recorded(desk: Desk) -> None:
    """The first is whole without Redis; of the second the page says what it is, and both files are had."""
    async with served(desk) as url, chromium() as browser:
        page, faults = await browser.new_page(), Faults(url)
        faults.watch(page)
        await settled(page, f"{url}/calls/{ARCHIVED}")
        assert await page.locator("ol.said li").count() >= 2
        assert await page.locator("[data-events]").count() == 0
        await settled(page, f"{url}/calls/{TWO}")
        assert "gaps" in await page.inner_text("[aria-labelledby=h-recording]")
        for words, ending in (("Download the recording", "wav"), ("Download its sidecar", "json")):
            async with page.expect_download() as started:
                await page.click(f"text={words}")
            file = await (await started.value).path()
            assert file.stat().st_size > 0, ending

        await settled(page, f"{url}/calls/{UNKNOWN}")  # It leads to what is left of it.
        assert page.url == f"{url}/recordings?find={UNKNOWN}"
        await page.check("input[name=sure]")
        await page.click("text=Delete")
        await page.wait_for_selector("text=deleted")
        assert desk.recordings.sound(UNKNOWN) is None
        assert faults.found == []


async def test_what_a_caller_says_is_words_and_has_its_own_direction(desk: Desk) -> None:
    """Also after it was pushed; nothing of it acts."""
    async with opened(desk, f"/calls/{ONE}") as page:
        line = page.locator("ol.said p", has_text="4217")
        assert await line.evaluate("it => getComputedStyle(it).direction") == "rtl"

        assert "tomorrow" in await page.inner_text("ol.said s")
        await say(desk.store, f"another {HOSTILE}", "i3")
        await page.wait_for_selector("text=another")
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("main img, main script").count() == 0


async def test_a_page_that_stays_open_shows_what_is_new(desk: Desk) -> None:
    """Where somebody types the field keeps its words and its focus."""
    async with served(desk) as url, chromium() as browser:
        page = await browser.new_page()
        await settled(page, url)
        await page.fill("#words", "Good mor")
        new = "CA" + "7" * 32
        await make_living_call(desk.store, new)
        await page.wait_for_selector(f'tr[data-id="{new}"]')
        await page.keyboard.type("ning")
        assert await page.input_value("#words") == "Good morning"


async def test_keys_lead_about(desk: Desk) -> None:
    """Pages by number, rows by j and k, the field that searches by a slash; none while somebody types."""
    async with served(desk) as url, chromium() as browser:
        page = await browser.new_page()
        await settled(page, url)
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/calls/{ONE}")
        await page.keyboard.press("2")
        await page.wait_for_url("**/past")
        await page.keyboard.press("/")
        await page.keyboard.type("1")
        assert await page.input_value("#number") == "1"
        assert page.url.endswith("/past")


async def test_without_a_script_all_of_it_is_there(desk: Desk) -> None:
    """And can be done: a form is a form."""
    async with served(desk) as url, chromium() as browser:
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        for path in PAGES.values():
            await settled(page, f"{url}{path}")
        await settled(page, f"{url}/calls/{ONE}")
        assert HEBREW in await page.inner_text("ol.said")
        assert await page.locator("svg.story").count() == 1
        for worker in (INGRESS, BRAIN, EGRESS):
            await make_worker(desk.store, worker)  # They have been silent for as long as the pages took.
        await page.fill("#words", "Good morning")
        await page.click("form.say button")
        await page.wait_for_selector("text=it will be said")
        await context.close()


async def test_a_live_call_is_listened_to(desk: Desk) -> None:
    """Both sides play, the same long; and whoever has heard enough stops."""
    sound = bytes(range(250)) * 16
    async with opened(desk, f"/calls/{ONE}") as page:
        await page.click("[data-listen] button")
        await page.wait_for_selector("[data-listen] button[aria-pressed=true]")
        await wait_until(lambda: said(desk.store), "somebody listens")
        await wait_until(lambda: waiting_reads(desk.store, "test"), "their read stands, behind their word")
        for number in range(1, 7):
            at = samples((number - 1) * ENTRY_MS)
            entry = TapeEntry(
                run="ingress-0@h#1:1", number=number, leg=1, wall_ms=wall_ms(), uses="l",
                from_ms=(number - 1) * ENTRY_MS, to_ms=number * ENTRY_MS,
                caller=(Piece(at, sound),), heard=(Piece(at, sound),),
            )  # fmt: skip
            await desk.store.execute(tape_command(KEYS, ONE, entry, creates=True))
        for side in ("left", "right"):

            async def heard(name: str = f"data-{side}-ms") -> bool:
                return int(await page.get_attribute("[data-listen]", name) or 0) > 2_000

            await wait_until(heard, f"two seconds of the {side} side are heard")
        assert "you listen" in await page.inner_text("[data-listen]")
        await page.click("[data-listen] button")
        await page.wait_for_selector("[data-listen] button[aria-pressed=false]")


SOCKETS = """
window.sockets = 0;
window.WebSocket = class extends WebSocket {
  constructor(...where) {
    super(...where);
    sockets += 1;
  }
};
"""
"""How many a page has opened: the browser's own word of one comes when it comes."""

SLOW_SOUND = """
window.asked = 0;
AudioContext.prototype.resume = () => new Promise((resolve) => {
  asked += 1;
  window.ready = () => resolve();
});
"""
"""One that plays only when a test lets it."""


async def test_who_stops_listening_before_it_has_begun_does_not_listen(desk: Desk) -> None:
    """A double click: the sound is still being made ready. The next click listens."""
    async with opened(desk, f"/calls/{ONE}", SOCKETS + SLOW_SOUND) as page:
        await page.click("[data-listen] button")
        await wait_until(lambda: page.evaluate("asked === 1"), "the sound is asked for")
        await page.click("[data-listen] button")
        await page.wait_for_selector("[data-listen] button[aria-pressed=false]")
        await page.evaluate("ready()")
        assert await page.evaluate("sockets") == 0, "what waited for the sound went on at once"
        await page.click("[data-listen] button")
        await wait_until(lambda: page.evaluate("asked === 2"), "it is asked for again")
        assert await said(desk.store) == 0
        await page.evaluate("ready()")
        await wait_until(lambda: said(desk.store), "somebody listens")
        assert (await page.evaluate("sockets"), await said(desk.store)) == (1, 1)


MICROPHONE = """
navigator.mediaDevices.getUserMedia = () => new Promise((resolve) => {
  window.allow = () => {
    window.microphone = new AudioContext().createMediaStreamDestination().stream;
    resolve(window.microphone);
  };
});
"""
"""One that is asked for, until a test allows it."""

AS_FAR = """
(async () => {
  const sound = new AudioContext();
  await sound.audioWorklet.addModule("/static/phone-worklet.js");
  await sound.resume();
  await sound.close();
})()
"""
"""All that a call waits for between its microphone and its socket: whoever began before is there by now."""


async def test_who_hangs_up_before_the_microphone_is_allowed_calls_nobody(desk: Desk) -> None:
    """And the microphone that is allowed afterwards is let go of."""
    async with opened(desk, "/phone", SOCKETS + MICROPHONE) as page:
        await page.click("[data-do=call]")
        await page.wait_for_selector("[data-phone][data-now=ringing]")
        await page.click("[data-do=mute]")
        await page.click("[data-do=hangup]")
        await page.wait_for_selector("[data-phone][data-now=over]")
        await page.evaluate("allow()")
        ended = "microphone.getTracks().every((track) => track.readyState === 'ended')"
        await wait_until(lambda: page.evaluate(ended), "the microphone is let go of")
        await page.evaluate(AS_FAR)
        assert await page.evaluate("sockets") == 0
        assert await page.is_enabled("[data-do=call]")
