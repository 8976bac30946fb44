"""What is pushed: parts that have changed, until there is nothing more to push."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from console.web import events as module
from console.web.desk import Desk
from console.web.events import STREAMS_MOST, EventViews, event
from console.web.pages import PageViews
from console.web.reading import Looks
from shared.contract.entry import to_dict
from shared.contract.streams.history import ItemEntry, history_fields
from shared.ownership import steps
from shared.store.client import Store, make_store
from tests.console.web.desks import desk_of, served
from tests.support.redis_samples import KEYS, ONE, TWO, make_living_call
from tests.support.servers import free_port

HOSTILE = "</td>\r\n\r\nevent: live\ndata: <script>alert(1)</script>\n\n"


async def pushed(
    url: str, path: str, upto: str, after_first: Callable[[], Awaitable[object]] | None = None
) -> list[tuple[str, str]]:
    """Events of a stream, until one of that name has come. `after_first`: done once the first is there."""
    found: list[tuple[str, str]] = []
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
        http.stream("GET", path) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = ""
        async for piece in answer.aiter_text():
            text += piece
            *whole, text = text.split("\n\n")
            for each in whole:
                name = re.search(r"^event: (.+)$", each, re.MULTILINE)
                if name is not None:
                    data = "\n".join(re.findall(r"^data: (.*)$", each, re.MULTILINE))
                    found.append((name.group(1), data))
            if found and after_first is not None:
                await after_first()
                after_first = None
            if any(name == upto for name, _ in found):
                break
    return found


def test_an_event_is_one_event() -> None:
    """However many lines its HTML has, and whatever ends a line."""
    text = event("live", "<p>a\nb\rc\r\n</p>").decode()
    assert text == "event: live\ndata: <p>a\ndata: b\ndata: c\ndata: </p>\n\n"
    assert event("over", "") == b"event: over\n\n"


async def test_a_stream_of_live_calls_shows_what_comes(store: Store, tmp_path: Path) -> None:
    """The table at once, then again when something is new; hostile words stay words."""
    desk = desk_of(store, tmp_path, web_shows="text")
    desk.looks = Looks(store, KEYS, with_words=True, fresh_ms=0.0)
    async with served(desk) as url:
        ((_, empty),) = await pushed(url, "/events/live", "live")
        assert "No live call" in empty
        await make_living_call(store, ONE)
        said = ItemEntry(item_id="u", role="user", text=HOSTILE, final=True)
        await store.xadd(KEYS.history(ONE), to_dict(history_fields(said)))
        found = await pushed(url, "/events/live", "live")
        assert [name for name, _ in found] == ["live"]
        assert ONE in found[0][1]
        assert "<script>" not in found[0][1]
        assert "&lt;script&gt;" in found[0][1]


async def test_a_part_is_sent_only_when_it_has_changed(store: Store, tmp_path: Path) -> None:
    """A page that shows what is so costs nothing."""
    views = views_of(desk_of(store, tmp_path))
    html = "one"

    async def make() -> dict[str, str]:
        return {"live": html, "same": "same"}

    stream = views._events(make, 0.001)
    found = [await anext(stream) for _ in range(3)]
    html = "two"
    found.append(await anext(stream))
    assert found == [module.RETRY, event("live", "one"), event("same", "same"), event("live", "two")]
    assert views.open_streams == 1
    await stream.aclose()
    assert views.open_streams == 0


async def test_a_stream_of_a_call_ends_with_the_call(store: Store, tmp_path: Path) -> None:
    """All its parts, then the word that nothing more comes."""
    await make_living_call(store, ONE)

    async def end() -> None:
        await steps.end(store, KEYS, ONE, outcome="completed", by="test")

    async with served(desk_of(store, tmp_path)) as url:
        found = await pushed(url, f"/events/calls/{ONE}", "over", after_first=end)
    names = [name for name, _ in found]
    assert {"head", "picture", "said", "turns", "used", "journal"} <= set(names)
    assert names[-1] == "over"
    assert "the caller hung up" in next(html for name, html in reversed(found) if name == "head")


async def test_a_stream_of_a_call_that_nobody_knows_is_over(store: Store, tmp_path: Path) -> None:
    """The browser does not ask again."""
    async with served(desk_of(store, tmp_path)) as url:
        assert await pushed(url, f"/events/calls/{TWO}", "over") == [("over", "")]


async def test_workers_are_pushed_too(store: Store, tmp_path: Path) -> None:
    """With the alerts that would fire."""
    await make_living_call(store, ONE)
    async with served(desk_of(store, tmp_path)) as url:
        ((name, html),) = await pushed(url, "/events/fleet", "fleet")
        assert name == "fleet"
        assert "brain-0" in html


async def test_while_redis_is_away_a_stream_goes_on(tmp_path: Path) -> None:
    """The page says so, and looks again."""
    away = make_store(f"redis://127.0.0.1:{free_port()}/0", name="test", timeout_s=0.3)
    async with served(desk_of(away, tmp_path)) as url:
        ((_, html),) = await pushed(url, "/events/live", "live")
        assert "Redis does not answer" in html
    await away.aclose()


async def test_a_browser_that_has_gone_frees_its_place(store: Store, tmp_path: Path) -> None:
    """And a hundredth and first is told to wait."""
    desk = desk_of(store, tmp_path)
    views = views_of(desk)
    views.open_streams = STREAMS_MOST

    async def make() -> dict[str, str]:
        return {}

    assert views._stream(make, 1.0).status_code == 503
    views.open_streams = 0
    stream = views._events(make, 60.0)
    await anext(stream)
    task = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert views.open_streams == 0


async def test_a_stream_grows_old(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends without the word that nothing more comes: the browser comes again, past the gate."""
    now = [0.0]
    monkeypatch.setattr(module, "now_ms", lambda: now[0])
    views = views_of(desk_of(store, tmp_path))

    async def make() -> dict[str, str]:
        now[0] += module.LONGEST_MS / 2
        return {}

    found = [each async for each in views._events(make, 0.0)]
    assert found[0] == module.RETRY
    assert module.OVER not in found
    assert b": still here\n\n" in found


def views_of(desk: Desk) -> EventViews:
    return EventViews(desk, PageViews(desk), every_s=0.02)
