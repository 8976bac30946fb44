"""One media stream between the page and a bridge: what passes, and what goes wrong on purpose."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator

import pytest

from console.phone import relay as module
from console.phone.relay import Relay
from console.phone.wire import Echo, How, Key, Sound
from simulators.twilio.media.connection import Endpoint, StreamFailed
from simulators.twilio.media.messages import MessageWriter
from tests.console.phone.bridge import MEDIA_URL, Bridge, Page, bridge
from tests.support.servers import free_port
from tests.support.waiting import wait_until

CALL, STREAM, ACCOUNT = "CA" + "1" * 32, "MZ" + "2" * 32, "AC" + "3" * 32
FRAME = Sound(base64.b64encode(b"\x7f" * 160))


def relay_to(page: Page) -> Relay:
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    return Relay(writer=MessageWriter(ACCOUNT, CALL, STREAM), to_page=page.take, ended=ended)


@pytest.fixture
async def there() -> AsyncIterator[Bridge]:
    async with bridge() as found:
        yield found


async def opened(there: Bridge, page: Page) -> Relay:
    made = relay_to(page)
    endpoint = Endpoint("127.0.0.1", there.port, None, "bridge.trunkline.test")
    await made.open(MEDIA_URL, endpoint, {}, {"token": "t"})
    await wait_until(lambda: len(there.messages) == 2, "it has begun")
    return made


async def test_a_stream_begins_as_twilios(there: Bridge) -> None:
    """`connected`, `start` with ids and parameters, then frames with counters and the stream's own time."""
    relay = await opened(there, Page())
    for message in (FRAME, FRAME, Key("5"), Echo("m1")):
        relay.from_page(message)
    await wait_until(lambda: len(there.messages) == 6, "all has come")
    connected, start, first, second, key, mark = there.messages
    assert (connected["event"], start["event"]) == ("connected", "start")
    assert start["start"]["customParameters"] == {"token": "t"}
    assert (start["start"]["callSid"], start["start"]["mediaFormat"]["sampleRate"]) == (CALL, 8_000)
    assert (first["media"]["chunk"], second["media"]["chunk"]) == ("1", "2")
    assert first["media"]["payload"] == FRAME.payload.decode()
    assert 0 <= int(first["media"]["timestamp"]) <= int(second["media"]["timestamp"])
    assert (key["dtmf"]["digit"], mark["mark"]["name"]) == ("5", "m1")
    assert [each["sequenceNumber"] for each in there.messages[1:]] == ["1", "2", "3", "4", "5"]
    relay.finish("caller_hung_up")


async def test_what_the_bridge_says_is_passed_on_as_it_is(there: Bridge) -> None:
    """Sound, marks, clears."""
    page = Page()
    relay = await opened(there, page)
    sound, mark = {"media": {"payload": "AAAA"}}, {"mark": {"name": "m"}}
    sent = [{"event": "media", **sound}, {"event": "mark", **mark}, {"event": "clear"}]
    for message in sent:
        await there.sockets[0].send_text(json.dumps(message))
    await wait_until(lambda: len(page.told) == 3, "the page was told")
    assert page.told == sent
    relay.finish("caller_hung_up")


async def test_a_caller_who_hangs_up_says_so(there: Bridge) -> None:
    """`stop`, then the socket closes; nothing follows."""
    relay = await opened(there, Page())
    relay.finish("caller_hung_up")
    relay.from_page(FRAME)
    assert await relay.ended == "caller_hung_up"
    await wait_until(lambda: there.gone == 1, "the socket is closed")
    assert there.events() == ["connected", "start", "stop"]


async def test_a_bridge_that_closes_ends_it(there: Bridge) -> None:
    """In order: something else comes next."""
    relay = await opened(there, Page())
    await there.sockets[0].close()
    assert await asyncio.wait_for(relay.ended, 5) == "bridge_closed"
    relay.finish("caller_hung_up")
    assert relay.ended.result() == "bridge_closed"


async def test_a_bridge_that_is_not_there_fails_it() -> None:
    """With the simulator's own error."""
    relay = relay_to(Page())
    with pytest.raises(StreamFailed):
        await relay.open(MEDIA_URL, Endpoint("127.0.0.1", free_port(), None, "x"), {}, {})
    relay.from_page(FRAME)
    relay.break_it(How.CUT)
    relay.finish("caller_hung_up")
    assert relay.ended.result() == "caller_hung_up"


async def test_a_cut_is_a_connection_that_is_gone(there: Bridge) -> None:
    """Without a word to the bridge."""
    relay = await opened(there, Page())
    relay.break_it(How.CUT)
    assert await relay.ended == "connection_lost"
    await wait_until(lambda: there.gone == 1, "the bridge has seen it")
    assert "stop" not in there.events()


async def test_a_stall_holds_all_and_lets_it_go_at_once(
    there: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways; in order."""
    monkeypatch.setattr(module, "STALL_MS", 150.0)
    page = Page()
    relay = await opened(there, page)
    relay.break_it(How.STALL)
    relay.break_it(How.STALL)
    relay.from_page(FRAME)
    relay.from_page(Key("1"))
    await there.sockets[0].send_text('{"event":"clear"}')
    assert (len(there.messages), page.told) == (2, [])
    await wait_until(lambda: len(there.messages) == 4 and len(page.told) == 1, "it goes on")
    assert there.events()[2:] == ["media", "dtmf"]
    relay.finish("caller_hung_up")


async def test_what_is_held_is_bounded(there: Bridge) -> None:
    """A page that floods a stalled stream costs no more memory."""
    relay = await opened(there, Page())
    relay.break_it(How.STALL)
    for _ in range(module.HELD_MOST + 100):
        relay.from_page(FRAME)
    assert relay._held is not None
    assert len(relay._held) == module.HELD_MOST
    relay.finish("caller_hung_up")


async def test_dropped_frames_are_a_third(there: Bridge) -> None:
    """Their numbers go on: the bridge sees no gap in the count, as with a lost packet before Twilio."""
    relay = await opened(there, Page())
    relay.break_it(How.DROP)
    for _ in range(9):
        relay.from_page(FRAME)
    await wait_until(lambda: there.events().count("media") == 6, "two thirds")
    assert relay.lost_frames == 3
    relay.finish("caller_hung_up")
