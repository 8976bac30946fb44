"""The telephone's page and socket: who may call, and a whole call through it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Origin

from console.calls import audit
from console.phone import exchange, views
from console.phone.views import NO_BOOK, PhoneViews
from console.web.desk import Desk
from shared.contract.speech import Announcement, SpeechBook, speech_commands
from shared.contract.streams.audit import Deed
from shared.store.client import Store
from tests.console.phone.bridge import PUBLIC_URL, TOKEN, Bridge, bridge
from tests.console.web.desks import browser, desk_of, served
from tests.support.waiting import wait_until

FRAME = {"event": "media", "media": {"payload": base64.b64encode(b"\x7f" * 160).decode()}}


@pytest.fixture
async def there(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bridge]:
    monkeypatch.setattr(exchange, "SEAM_MS", 5.0)
    async with bridge() as found:
        yield found


def desk_for(there: Bridge, store: Store, folder: Path, **settings: Any) -> Desk:
    """A console of the bridge's host."""
    known = {"public_url": PUBLIC_URL, "twilio_auth_token": TOKEN, "port": there.port, "host": "127.0.0.1"}
    return desk_of(store, folder, **{**known, **settings})


async def seal_at(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        found = re.search(r'data-seal="([^"]+)"', (await http.get("/phone")).text)
    assert found is not None
    return found.group(1)


async def socket_to(
    url: str, *, seal: str | None = None, origin: str | None = None, agent: str = ""
) -> ClientConnection:
    """The page's socket, as a browser opens it."""
    seal = await seal_at(url) if seal is None else seal
    place = f"{url.replace('http', 'ws')}/phone/media?agent={agent}&seal={seal}"
    return await connect(place, origin=Origin(origin or url), proxy=None)


async def told(socket: ClientConnection, now: str) -> dict[str, Any]:
    """What the page is told until the call is at `now`."""
    async with asyncio.timeout(10):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message.get("now") == now:
                return message


async def test_a_call_from_the_page(there: Bridge, store: Store, tmp_path: Path) -> None:
    """Sound both ways, a key, the end; written down with who it was."""
    async with served(desk_for(there, store, tmp_path)) as url:
        socket = await socket_to(url, agent="sales")
        sid = (await told(socket, "open"))["sid"]
        await socket.send(json.dumps(FRAME))
        await socket.send('{"event":"dtmf","dtmf":{"digit":"5"}}')
        await wait_until(lambda: {"media", "dtmf"} <= set(there.events()), "the bridge hears it")
        await there.sockets[0].send_text('{"event":"clear"}')
        assert json.loads(await socket.recv()) == {"event": "clear"}
        await socket.send('{"event":"hangup"}')
        assert (await told(socket, "over"))["words"] == "you hung up"
        await socket.wait_closed()
    assert there.paths()[-1] == "/call-status"
    (deed,) = await audit.newest(store)
    assert (deed.deed, deed.by, deed.of, deed.words) == (Deed.PHONE, "web:local", sid, "agent sales")


async def test_a_page_that_is_closed_hangs_up(there: Bridge, store: Store, tmp_path: Path) -> None:
    """And the call is ended in order."""
    async with served(desk_for(there, store, tmp_path)) as url:
        socket = await socket_to(url)
        await told(socket, "open")
        await socket.close()
        await wait_until(lambda: "/call-status" in there.paths(), "the last webhook")
    assert there.events()[-1] == "stop"


async def test_what_the_page_must_not_say_ends_the_call(there: Bridge, store: Store, tmp_path: Path) -> None:
    """It says what was expected."""
    async with served(desk_for(there, store, tmp_path)) as url:
        socket = await socket_to(url)
        await told(socket, "open")
        await socket.send('{"event":"start"}')
        assert "expected media" in (await told(socket, "over"))["words"]
        await socket.wait_closed()


@pytest.mark.parametrize(
    ("seal", "origin"), [("", None), ("x", None), (None, "http://evil.example"), (None, "null")]
)
async def test_a_page_of_elsewhere_opens_no_socket(
    there: Bridge, store: Store, tmp_path: Path, seal: str | None, origin: str | None
) -> None:
    """Neither without a seal of ours nor from another origin."""
    async with served(desk_for(there, store, tmp_path)) as url:
        with pytest.raises(InvalidStatus):
            await socket_to(url, seal=seal, origin=origin)
    assert there.asked == []


async def test_calls_at_once_are_bounded(
    there: Bridge, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is told to come later."""
    monkeypatch.setattr(views, "CALLS_MOST", 1)
    async with served(desk_for(there, store, tmp_path)) as url:
        first = await socket_to(url)
        await told(first, "open")
        second = await socket_to(url)
        with pytest.raises(ConnectionClosedError) as refused:
            await second.recv()
        assert refused.value.rcvd is not None
        assert refused.value.rcvd.code == views.TRY_LATER
        await first.close()
        await wait_until(lambda: "/call-status" in there.paths(), "the first is over")


BEHIND_A_PROXY = {"web_user_header": "X-User", "web_proxies": "127.0.0.1"}


@pytest.mark.parametrize("settings", [{}, {"web_breaks": False}, {"web_breaks": True, **BEHIND_A_PROXY}])
async def test_a_call_is_broken_on_purpose_in_development_alone(
    there: Bridge, store: Store, tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As production has it, on a host of its own, and wherever others come in: the buttons are not there, and
    the words do nothing."""
    killed: list[str] = []

    async def kill(_store: object, _keys: object, call_sid: str) -> bool:
        killed.append(call_sid)
        return True

    monkeypatch.setattr(views, "kill_brain", kill)
    desk = desk_for(there, store, tmp_path, **settings)
    headers = {"x-user": "ann"} if "web_user_header" in settings else {}
    async with browser(desk, **headers) as http:
        assert "data-break" not in (await http.get("/phone")).text
    if headers:
        return
    async with served(desk) as url:
        socket = await socket_to(url)
        await told(socket, "open")
        for how in ("kill", "cut", "drop", "stall"):
            await socket.send(json.dumps({"event": "break", "how": how}))
        await socket.send('{"event":"dtmf","dtmf":{"digit":"5"}}')
        await wait_until(lambda: "dtmf" in there.events(), "what came behind them is heard")
        await socket.close()
        await wait_until(lambda: "/call-status" in there.paths(), "the end")
    assert killed == []
    assert "stream-error" not in there.stream_events()
    assert [deed.deed for deed in await audit.newest(store)] == [Deed.PHONE]


async def test_where_a_setting_says_so_a_call_is_broken_on_purpose(
    there: Bridge, store: Store, tmp_path: Path
) -> None:
    """As `make run` sets it. It is written down."""
    desk = desk_for(there, store, tmp_path, web_breaks=True)
    async with browser(desk) as http:
        assert "data-break" in (await http.get("/phone")).text
    async with served(desk) as url:
        socket = await socket_to(url)
        await told(socket, "open")
        await socket.send('{"event":"break","how":"cut"}')
        await wait_until(lambda: "stream-error" in there.stream_events(), "the stream is gone")
        await socket.close()
        await wait_until(lambda: "/call-status" in there.paths(), "the end")
    assert [deed.deed for deed in await audit.newest(store)] == [Deed.BREAK, Deed.PHONE]


async def test_the_page_offers_the_agents_that_brains_tell(
    there: Bridge, store: Store, tmp_path: Path
) -> None:
    """With their own number as the called one."""
    speech = Announcement(language="en-US", voice="", apology="Sorry", busy="Busy", fallback="")
    book = SpeechBook(agents={"default": speech, "sales": speech}, numbers={"+15550002222": "sales"})
    for command in speech_commands(book):
        await store.execute(command)
    desk = desk_for(there, store, tmp_path)
    async with browser(desk) as http:
        assert '<option value="sales">' in (await http.get("/phone")).text
    async with served(desk) as url:
        socket = await socket_to(url, agent="sales")
        await told(socket, "open")
        await socket.close()
        await wait_until(lambda: "/call-status" in there.paths(), "the end")
    assert there.asked[0].form["To"] == "+15550002222"


async def test_without_settings_for_calls_the_page_says_what_to_set(store: Store, tmp_path: Path) -> None:
    """And has no button."""
    desk = desk_of(store, tmp_path)
    async with browser(desk) as http:
        page = (await http.get("/phone")).text
        assert "TWILIO_AUTH_TOKEN must be set" in page
        assert "data-phone" not in page
    assert await PhoneViews(desk)._book() == NO_BOOK


async def test_a_page_that_takes_nothing_ends_its_call(
    there: Bridge, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits for it is bounded."""
    monkeypatch.setattr(views, "QUEUE_MOST", 1)
    async with served(desk_for(there, store, tmp_path)) as url:
        socket = await socket_to(url)
        await wait_until(lambda: bool(there.sockets), "a stream")
        await asyncio.gather(*(there.sockets[0].send_text(json.dumps(FRAME)) for _ in range(50)))
        await wait_until(lambda: "/call-status" in there.paths(), "the end")
        await socket.close()
