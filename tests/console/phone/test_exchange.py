"""A call of the browser's telephone, from the first webhook to the last."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

from console.phone import exchange as module
from console.phone.exchange import CALLER, DOCUMENTS_MOST, NO_ACCOUNT, Exchange, NoExchange
from console.phone.wire import How, Sound
from shared.settings import load
from tests.console.phone.bridge import (
    CONNECT,
    HANG_UP,
    PUBLIC_URL,
    RESUME,
    TOKEN,
    Bridge,
    Page,
    bridge,
    calling,
)
from tests.support.servers import free_port
from tests.support.waiting import wait_until

FRAME = Sound(base64.b64encode(b"\x7f" * 160))
VALIDATOR = RequestValidator(TOKEN)


@pytest.fixture
async def there(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bridge]:
    """A bridge, and a carrier that loses no time."""
    monkeypatch.setattr(module, "SEAM_MS", 5.0)
    monkeypatch.setattr(module, "DIAL_MS", 5.0)
    async with bridge() as found:
        yield found


async def over(task: asyncio.Task[str]) -> str:
    return await asyncio.wait_for(asyncio.shield(task), 10)


async def test_a_call_is_asked_for_opened_talked_on_and_hung_up(there: Bridge) -> None:
    """Each request signed as Twilio signs it, with the agent that was chosen."""
    page = Page()
    async with calling(there, page, agent="sales & more", called="+15550002222") as (call, task):
        await wait_until(lambda: "open" in page.states(), "a stream is open")
        call.from_page(FRAME)
        await wait_until(lambda: "media" in there.events(), "the bridge hears it")
        call.hang_up()
        assert await over(task) == "you hung up"
    asked = there.asked[0]
    assert parse_qs(asked.query) == {"agent": ["sales & more"]}
    assert (asked.form["From"], asked.form["To"]) == (CALLER, "+15550002222")
    assert asked.form["AccountSid"] == NO_ACCOUNT
    assert VALIDATOR.validate(f"{PUBLIC_URL}/voice?{asked.query}", asked.form, asked.signature)
    assert there.messages[1]["start"]["callSid"] == asked.form["CallSid"] == call.call_sid
    handshake = there.sockets[0].headers["x-twilio-signature"]
    assert VALIDATOR.validate("wss://bridge.trunkline.test/media", {}, handshake)
    assert there.paths() == ["/voice", "/call-status"]

    assert there.stream_events() == ["stream-started", "stream-stopped"]
    assert page.states() == ["ringing", "open", "away", "over"]


async def test_a_stream_that_ends_is_followed_by_what_comes_next(there: Bridge) -> None:
    """A moved call: another stream on the same call; then the end that the bridge wants."""
    there.documents = [CONNECT, CONNECT, HANG_UP]
    page = Page()
    async with calling(there, page) as (_, task):
        await wait_until(lambda: there.events().count("start") == 1, "a stream")
        await there.sockets[0].close()
        await wait_until(lambda: there.events().count("start") == 2, "another one")
        await there.sockets[1].close()
        assert await over(task) == "the call was ended"
    assert there.paths() == ["/voice", "/voice/resume", "/voice/resume", "/call-status"]
    starts = [message["start"] for message in there.messages if message["event"] == "start"]
    assert len({start["callSid"] for start in starts}) == 1
    assert len({start["streamSid"] for start in starts}) == 2


async def test_a_cut_stream_is_resumed(there: Bridge) -> None:
    """As after a broken network: the next document says how to go on."""
    page = Page()
    async with calling(there, page) as (call, task):
        await wait_until(lambda: "open" in page.states(), "a stream is open")
        call.break_it(How.CUT)
        assert await over(task) == "the call was ended"
    assert there.stream_events() == ["stream-started", "stream-error"]
    assert "/voice/resume" in there.paths()


async def test_a_stream_that_cannot_be_opened_is_asked_for_again(there: Bridge) -> None:
    """But not without end."""
    there.documents = [CONNECT.replace("/media", "/nowhere")]
    page = Page()
    async with calling(there, page) as (_, task):
        assert await over(task) == "one stream after the other has failed"
    assert len(there.paths()) == DOCUMENTS_MOST + 1
    assert "open" not in page.states()


async def test_a_caller_who_is_put_through_comes_back(there: Bridge) -> None:
    """Nobody is called; the outcome is told."""
    dial = f'<Dial action="{PUBLIC_URL}/voice/resume"><Number>+15550009999</Number></Dial>'
    there.documents = [f"<Response>{dial}</Response>", HANG_UP]
    page = Page()
    async with calling(there, page) as (_, task):
        assert await over(task) == "the call was ended"
    assert there.asked[1].form["DialCallStatus"] == "completed"
    assert "away" in page.states()


async def test_what_the_carriers_voice_would_say_is_shown(
    there: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An apology is heard by nobody here, so the page has its words."""
    monkeypatch.setattr(module, "SAY_MS_A_CHARACTER", 0.1)
    there.documents = ['<Response><Say language="en-US">We are sorry.</Say><Hangup/></Response>']
    page = Page()
    async with calling(there, page) as (_, task):
        await over(task)
    (said,) = [message for message in page.told if message.get("now") == "says"]
    assert said["words"] == "We are sorry."


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ('<Response><Reject reason="busy"/></Response>', "refused"),
        ("<Response></Response>", "nothing more"),
        ("no document", "nobody can read"),
        (f"<Response>{RESUME}</Response>", "has failed"),
    ],
)
async def test_how_else_a_call_can_end(there: Bridge, document: str, words: str) -> None:
    """In words for whoever sits before the page."""
    there.documents = [document]
    page = Page()
    async with calling(there, page) as (_, task):
        assert words in await over(task)
    assert page.states()[-1] == "over"


async def test_a_bridge_that_refuses_is_named(there: Bridge) -> None:
    """Another token, another account: 403."""
    there.status = 403
    page = Page()
    async with calling(there, page) as (_, task):
        assert "answered 403" in await over(task)


async def test_a_bridge_that_is_not_there_is_named() -> None:
    """With where it was looked for."""
    there, page = Bridge(free_port()), Page()
    async with calling(there, page) as (_, task):
        assert f"127.0.0.1:{there.port} gave no document" in await over(task)


async def test_whoever_hangs_up_before_it_is_open_is_not_connected(there: Bridge) -> None:
    """Nothing is left open."""
    page = Page()
    async with calling(there, page) as (call, task):
        call.hang_up()
        assert await over(task) == "you hung up"
    assert there.sockets == []


def test_where_ingress_is() -> None:
    """On this host, by the settings that it has itself."""
    found = Exchange.of(
        load(env_file=None, public_url="https://b.example.com", twilio_auth_token="one,two", port=9000)
    )
    assert (found.voice_url, found.auth_token) == ("https://b.example.com/voice", "one")
    assert (found.address, found.is_plain) == (("127.0.0.1", 9000), False)
    assert "one" not in repr(found)
    here = {"public_url": "http://127.0.0.1:8080", "twilio_auth_token": "t", "host": "10.0.0.5"}
    near = Exchange.of(load(env_file=None, **here))
    assert (near.is_plain, near.address[0]) == (True, "10.0.0.5")


def test_without_a_token_nobody_calls() -> None:
    """It says what to set."""
    with pytest.raises(NoExchange, match="TWILIO_AUTH_TOKEN"):
        Exchange.of(load(env_file=None, public_url="https://b.example.com"))
