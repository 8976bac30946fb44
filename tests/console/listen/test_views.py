"""Listening on a page: with that page's seal alone, where a setting allows it, and written down."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from console.calls import audit
from console.listen.sound import HELD_MS
from console.listen.views import LISTENERS_MOST, ListenViews
from console.recorder.files import Folder
from console.web import server
from console.web.desk import Desk
from shared.clock import wall_ms
from shared.contract.streams.audit import Deed
from shared.contract.streams.tape import ENTRY_MS, tape_command
from shared.store.client import Store
from tests.console.archive.samples import end_call
from tests.console.listen.test_sound import said
from tests.console.recorder.test_files import record
from tests.console.recorder.test_placing import entry
from tests.console.web.desks import browser, desk_of, served
from tests.support.reading import waiting_reads
from tests.support.redis_samples import KEYS, ONE, make_living_call
from tests.support.waiting import wait_until

TOKEN = "a-token-of-some-length"

AT_ONCE = b"\x01" * (2 * 8 * (ENTRY_MS - HELD_MS))
"""Of the first entry, both sides: the rest is given with the next one."""


async def socket_to(url: str, desk: Desk, *, seal: str = "", origin: str = "") -> ClientConnection:
    seal = seal or desk.seals.form("local", wall_ms())
    place = f"{url.replace('http', 'ws')}/calls/{ONE}/sound?seal={seal}"
    return await connect(place, origin=Origin(origin or url), proxy=None)


async def test_a_page_hears_a_call_and_that_is_written_down(store: Store, tmp_path: Path) -> None:
    await make_living_call(store, ONE)
    desk = desk_of(store, tmp_path)
    async with served(desk) as url, await socket_to(url, desk) as socket:
        await wait_until(lambda: said(store), "somebody listens")
        await wait_until(lambda: waiting_reads(store, "test"), "their read stands, behind their word")
        await store.execute(tape_command(KEYS, ONE, entry(1), creates=True))
        assert await asyncio.wait_for(socket.recv(), 5) == AT_ONCE
    (deed,) = await audit.newest(store)
    assert (deed.deed, deed.of, deed.by) == (Deed.LISTEN, ONE, "web:local")


async def test_a_page_that_goes_is_no_fault(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its place is another one's."""
    made = list[ListenViews]()

    def make(desk: Desk, folder: Folder) -> ListenViews:
        made.append(ListenViews(desk, folder))
        return made[-1]

    async def are_gone() -> bool:
        return not made[0].listeners and not await waiting_reads(store, "test")

    monkeypatch.setattr(server, "ListenViews", make)
    await make_living_call(store, ONE)
    desk = desk_of(store, tmp_path)
    async with served(desk) as url:
        for _ in range(LISTENERS_MOST + 1):
            async with await socket_to(url, desk):
                pass
        # Who reads Redis hears of it within a second.
        await wait_until(lambda: made[0].listeners < LISTENERS_MOST, "a place is free", timeout_s=1.5)
        await wait_until(are_gone, "nobody reads any more")
        async with await socket_to(url, desk) as socket:
            await wait_until(lambda: waiting_reads(store, "test"), "its read stands")
            await store.execute(tape_command(KEYS, ONE, entry(1), creates=True))
            assert await asyncio.wait_for(socket.recv(), 5) == AT_ONCE
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize(("seal", "origin"), [("1.2", ""), ("", "http://elsewhere.example")])
async def test_no_other_page_may(store: Store, tmp_path: Path, seal: str, origin: str) -> None:
    await make_living_call(store, ONE)
    desk = desk_of(store, tmp_path)
    async with served(desk) as url:
        with pytest.raises(InvalidStatus):
            await socket_to(url, desk, seal=seal, origin=origin)
    assert (await said(store), await audit.newest(store)) == (0, [])


async def test_a_call_that_is_over_closes_the_socket(store: Store, tmp_path: Path) -> None:
    desk = desk_of(store, tmp_path)
    async with served(desk) as url, await socket_to(url, desk) as socket:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 5)


async def test_beyond_this_host_a_setting_must_allow_it(store: Store, tmp_path: Path) -> None:
    """Neither button nor recording; with the setting both."""
    await make_living_call(store, ONE)
    for allowed in (False, True):
        desk = desk_of(store, tmp_path, web_token=TOKEN, web_listens=allowed)
        desk.recordings.make()
        async with browser(desk, authorization=f"Bearer {TOKEN}") as http:
            page = (await http.get(f"/calls/{ONE}")).text
            assert ("data-listen" in page) == allowed
            if not desk.recordings.sound(ONE):
                record(desk.recordings, ONE)
            assert (await http.get(f"/calls/{ONE}.wav")).status_code == (200 if allowed else 403)


async def test_a_recording_is_had_and_that_is_written_down(store: Store, tmp_path: Path) -> None:
    """Of a call that is over; of another one there is none."""
    desk = desk_of(store, tmp_path, recordings=str(tmp_path / "recordings"))
    desk.recordings.make()
    path = record(desk.recordings, ONE)
    async with browser(desk) as http:
        answer = await http.get(f"/calls/{ONE}.wav")
        assert answer.content == path.read_bytes()
        assert answer.headers["content-type"] == "audio/wav"
        assert answer.headers["cache-control"] == "no-store"
        assert (await http.get(f"/calls/CA{'9' * 32}.wav")).status_code == 404
        assert (await http.get("/calls/..%2Fcalls.wav")).status_code in (404, 400)
    (deed,) = await audit.newest(store)
    assert (deed.deed, deed.words) == (Deed.LISTEN, "its recording")


async def test_the_page_of_a_call_says_what_its_recording_is(store: Store, tmp_path: Path) -> None:
    """Its length, its gaps, its hash; and both files are had from there."""
    desk = desk_of(store, tmp_path)
    desk.recordings.make()
    path = record(desk.recordings, ONE)
    await end_call(store, ONE)
    async with browser(desk) as http:
        page = (await http.get(f"/calls/{ONE}")).text
        for shown in ("<dt>gaps</dt>", "not by us", hashlib.sha256(path.read_bytes()).hexdigest()):
            assert shown in page, shown
        for place in (f"/calls/{ONE}.wav", f"/recordings/{ONE}.json"):
            assert f'href="{place}" download' in page
            assert (await http.get(place)).status_code == 200


async def test_a_recording_of_a_call_that_nobody_knows_any_more(store: Store, tmp_path: Path) -> None:
    """It is listed with what stands beside it, also where there is no archive; its page leads there."""
    desk = desk_of(store, tmp_path, archive_days=0)
    desk.recordings.make()
    record(desk.recordings, ONE, agent="<b>sales", **{"from": "+15550006789"})
    async with browser(desk) as http:
        answer = await http.get(f"/calls/{ONE}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/recordings?find={ONE}")
        page = (await http.get(answer.headers["location"])).text
        assert "&lt;b&gt;sales" in page
        assert f'action="/calls/{ONE}/forget"' in page
        assert "0006789" not in page
        assert "None fits" in (await http.get("/recordings?find=CA9")).text
        told = await http.get(f"/recordings/{ONE}.json")
        assert (told.json()["from"], told.json()["seconds"]) == ("…89", 1.0)
        assert (await http.get(f"/recordings/CA{'9' * 32}.json")).status_code == 404
        assert (await http.get("/recordings/..%2Fx.json")).status_code == 404


async def test_where_recordings_may_not_be_had_they_are_listed(store: Store, tmp_path: Path) -> None:
    """And can be deleted: only their sound is not given."""
    desk = desk_of(store, tmp_path, web_token=TOKEN)
    desk.recordings.make()
    record(desk.recordings, ONE)
    async with browser(desk, authorization=f"Bearer {TOKEN}") as http:
        page = (await http.get("/recordings")).text
    assert f"/recordings/{ONE}.json" in page
    assert f"/calls/{ONE}.wav" not in page
