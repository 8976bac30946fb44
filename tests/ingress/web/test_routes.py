"""The webhooks: signatures, one reservation however often asked, and an answer whatever is broken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from structlog.testing import capture_logs

from ingress.errors import WebhookReason
from ingress.web import routes, store_turns
from ingress.web import signature as signing
from ingress.web.overload import rules
from shared.contract.keys import ADMITTED
from shared.contract.speech import SpeechBook, speech_commands
from shared.contract.steps import NewStream
from shared.ownership import steps
from tests.ingress.harness import (
    HEBREW,
    PUBLIC_URL,
    SIGNATURES,
    Ingress,
    call_sid,
    ingress,
    parameters,
    stream_sid,
    tags,
    voice_form,
)
from tests.support.servers import free_port
from tests.support.waiting import wait_until


async def test_voice_answers_a_stream(bridge: Ingress) -> None:
    """Connect with its parameters, then the way back; as XML that must not be cached as text."""
    response = await bridge.post("/voice?agent=sales", voice_form())
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/xml")
    assert tags(response.text) == ["Connect", "Redirect"]
    given = parameters(response.text)
    assert (given["from"], given["to"], given["agent"]) == ("+15550001111", "+15550002222", "sales")
    assert "/voice/resume?agent=sales#ct=1000&amp;rt=4000&amp;rc=5&amp;rp=all" in response.text


@pytest.mark.parametrize(
    "path", ["/voice", "/voice/resume", "/voice/fallback", "/stream-status", "/call-status"]
)
async def test_every_webhook_is_signed(bridge: Ingress, path: str) -> None:
    """No signature, a wrong one, one for another origin or another body: 403, and nothing happens."""
    form = voice_form(CallStatus="completed")
    elsewhere = SIGNATURES.sign("https://evil.example.com" + path, form)
    before = await bridge.store.dbsize()
    for signature in ("", "AAAA", elsewhere, SIGNATURES.sign(PUBLIC_URL + path, {})):
        response = await bridge.post(
            path, form, signature=signature, Host="evil.example.com", **{"X-Forwarded-Proto": "https"}
        )
        assert response.status_code == 403
    assert await bridge.store.dbsize() == before
    assert (await bridge.post(path, form)).status_code < 300


async def test_strangers_leave_one_line_and_one_for_all_others(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unsigned or too large, each is counted; what is signed and wrong says so by itself meanwhile."""
    for module in (routes, signing):
        monkeypatch.setattr(module, "EPISODE_OVER_MS", 1_000.0)
    with capture_logs() as lines:
        for _ in range(20):
            assert (await bridge.post("/voice", voice_form(), signature="AAAA")).status_code == 403
        assert (await bridge.post("/voice", voice_form(x="y" * 70_000), signature="AAAA")).status_code == 413
        assert (await bridge.post("/voice", voice_form(CallSid="CA0"))).status_code == 400
        await wait_until(lambda: any(line["event"] == "refusals" for line in lines), "it is summed up")
    refused = [line for line in lines if line["event"] in ("webhook_refused", "refusals")]
    assert [line["event"] for line in refused] == ["webhook_refused", "webhook_refused", "refusals"]
    assert refused[-1]["left_out"] == 20
    counted = bridge.role._webhooks.counters.refusals
    assert (counted[WebhookReason.SIGNATURE], counted[WebhookReason.BAD_REQUEST]) == (20, 2)


async def test_get_is_signed_by_its_url(bridge: Ingress) -> None:
    """A GET's fields stand in the URL, which is signed as written."""
    query = f"?CallSid={call_sid()}&From=%2B15550001111&FromCity="
    response = await bridge.get("/voice" + query)
    assert parameters(response.text)["from"] == "+15550001111"
    changed = await bridge.http.get(
        "/voice" + query.replace("1111", "1112"),
        headers={"X-Twilio-Signature": SIGNATURES.sign(PUBLIC_URL + "/voice" + query, {})},
    )
    assert changed.status_code == 403


async def test_by_get_the_callers_number_is_no_parameter_of_the_call(bridge: Ingress) -> None:
    """What the number carries is what its owner wrote into the URL, not what Twilio adds there."""
    query = urlencode({"shop": "berlin", **voice_form(Caller="+15550001111", CallToken="t")})
    await bridge.get(f"/voice?{query}")

    person = await steps.read_person(bridge.process.store, bridge.process.keys, call_sid())

    assert person is not None
    assert (person.caller, person.parameters) == ("+15550001111", {"shop": "berlin"})


@pytest.mark.parametrize("sid", ["", "CA", "CA" + "g" * 32, "CA{0}" + "0" * 29])
async def test_hostile_call_sid(bridge: Ingress, sid: str) -> None:
    """Signed or not, what becomes a key has its shape."""
    assert (await bridge.post("/voice", voice_form(CallSid=sid))).status_code == 400


async def test_too_large_a_body(bridge: Ingress) -> None:
    """64 KiB is more than Twilio sends."""
    response = await bridge.post("/voice", voice_form(x="y" * 70_000))
    assert response.status_code == 413
    many = voice_form(**{f"x{index}": "" for index in range(600)})
    assert (await bridge.post("/voice", many)).status_code == 400


async def test_unknown_paths(bridge: Ingress) -> None:
    """The public port carries our routes and no others."""
    for path in ("/", "/metrics", "/healthz", "/readyz/", "/docs", "/voice/"):
        assert (await bridge.http.get(path)).status_code == 404


async def test_voice_twice_gives_the_same_token(bridge: Ingress) -> None:
    """Twilio retries webhooks: the same answer while the token is unspent, a new one after."""
    first, second = await bridge.token(), await bridge.token()
    assert first == second
    await bridge.live(token=first)
    assert await bridge.token() != first


async def test_a_hundred_in_parallel_are_one_reservation(bridge: Ingress) -> None:
    """One place, one token."""
    tokens = await asyncio.gather(*(bridge.token() for _ in range(100)))
    assert len(set(tokens)) == 1
    assert await bridge.store.zcard(ADMITTED) == 1


async def test_full(valkey_url: str) -> None:
    """Spoken when all places are taken; a known call keeps its own."""
    async with ingress(valkey_url, max_calls=2) as bridge:
        for number in (1, 2):
            await bridge.token(number)
        refused = await bridge.post("/voice", voice_form(3))
        assert tags(refused.text) == ["Say", "Hangup"]
        assert "Busy." in refused.text
        assert await bridge.token(1)


async def test_full_with_a_fallback_number(valkey_url: str) -> None:
    """The overflow is dialled on."""
    async with ingress(valkey_url, max_calls=1, fallback_number="+15550009999") as bridge:
        await bridge.token(1)
        refused = await bridge.post("/voice", voice_form(2))
        assert tags(refused.text) == ["Say", "Dial", "Hangup"]


@pytest.fixture
async def lonely(valkey_url: str) -> AsyncIterator[Ingress]:
    """An ingress whose Redis refuses every connection."""
    async with ingress(f"redis://127.0.0.1:{free_port()}/0", fallback_number="+15550009999") as bridge:
        yield bridge


@pytest.mark.parametrize("path", ["/voice", "/voice/resume", "/voice/fallback"])
async def test_without_redis_a_caller_is_told(lonely: Ingress, path: str) -> None:
    """Long before the carrier gives up, at 15 s: an apology and the fallback number."""
    async with asyncio.timeout(7.5):
        response = await lonely.post(path, voice_form())
    assert tags(response.text) == ["Say", "Dial", "Hangup"]
    assert "Sorry." in response.text


FROZEN_MS = 3_000
"""Far more than /voice waits for Redis: a busy machine takes its time for the rest."""


async def test_frozen_redis_is_not_waited_for(bridge: Ingress) -> None:
    """The caller is answered while it still answers nothing."""
    await bridge.token()
    await bridge.store.client_pause(FROZEN_MS)
    async with asyncio.timeout(FROZEN_MS / 1000):
        response = await bridge.post("/voice", voice_form())
    assert tags(response.text) == ["Say", "Hangup"]


NOBODYS = NewStream(
    call_sid=call_sid(), stream_sid=stream_sid(), ingress="ingress-9@far#bbbbbb", nonce="0" * 32,
    caller_number="", called_number="", agent="sales",
)  # fmt: skip
"""A stream at an ingress that is not there, of a caller who hides both numbers."""


async def attach(bridge: Ingress, stream: NewStream) -> None:
    await steps.attach(bridge.process.store, bridge.process.keys, stream, max_resumes=20)


async def attached(bridge: Ingress, **card: str) -> None:
    """A call whose stream has ended, with a plan on its card."""
    await attach(bridge, NOBODYS)
    if card:
        await bridge.store.hset(bridge.process.keys.card(call_sid()), mapping=dict(card))  # type: ignore[misc]


async def test_resume_streams_again(bridge: Ingress) -> None:
    """Without a plan the conversation goes on, with a new token and the card's agent."""
    await attached(bridge)
    response = await bridge.post("/voice/resume", voice_form())
    assert tags(response.text) == ["Connect", "Redirect"]
    assert parameters(response.text)["agent"] == "sales"
    assert "/voice/resume?n=2&amp;l=1#" in response.text


@pytest.mark.parametrize(
    ("plan", "argument", "verbs", "outcome"),
    [
        ("apology", "", ["Say", "Hangup"], "apology"),
        ("apology", "שלום", ["Say", "Hangup"], "apology"),
        ("hangup", "", ["Hangup"], "hangup"),
        ("dial", "+15550003333", ["Dial"], ""),
        ("dial", "900; drop", ["Connect", "Redirect"], ""),
        ("digits", "12#", ["Play", "Connect", "Redirect"], ""),
        ("digits", "<x>", ["Connect", "Redirect"], ""),
        ("", "", ["Connect", "Redirect"], ""),
    ],
)
async def test_resume_does_what_the_card_says(
    bridge: Ingress, plan: str, argument: str, verbs: list[str], outcome: str
) -> None:
    """Each plan has its document; those that end the call end it in Redis too."""
    await attached(bridge, next=plan, next_arg=argument)
    response = await bridge.post("/voice/resume", voice_form())
    assert tags(response.text) == verbs
    if outcome:
        await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
        assert (await bridge.card())["outcome"] == outcome
    else:
        assert (await bridge.card())["state"] == "attached"


@pytest.mark.parametrize(
    ("field", "text"), [("next", "unheard of"), ("resumes", ""), ("resumes", "many"), ("state", "")]
)
async def test_a_card_that_cannot_be_read_is_an_apology(bridge: Ingress, field: str, text: str) -> None:
    """Nobody guesses what was planned: the caller is told something, and the operator which field it is."""
    await attached(bridge, **{field: text})
    response = await bridge.post("/voice/resume", voice_form())
    assert tags(response.text) == ["Say", "Hangup"]
    assert bridge.process.ownership.contract_errors == 1


@pytest.mark.parametrize(
    ("status", "verbs"),
    [("busy", ["Connect", "Redirect"]), ("no-answer", ["Connect", "Redirect"]), ("completed", ["Hangup"])],
)  # fmt: skip
async def test_after_a_dial(bridge: Ingress, status: str, verbs: list[str]) -> None:
    """Busy or no answer: the conversation goes on; talked: the call is over."""
    await attached(bridge, next="dial", next_arg="+15550003333")
    form = voice_form(DialCallStatus=status)
    assert tags((await bridge.post("/voice/resume?n=2", form)).text) == verbs


async def test_resume_of_an_ended_call(bridge: Ingress) -> None:
    """It hangs up, whatever is asked, however often."""
    await attached(bridge)
    store, keys = bridge.process.store, bridge.process.keys
    await steps.end(store, keys, call_sid(), outcome="operator", by="test")
    for _ in range(2):
        assert tags((await bridge.post("/voice/resume", voice_form())).text) == ["Hangup"]
    assert tags((await bridge.post("/voice", voice_form())).text) == ["Hangup"]


async def test_resumes_are_bounded(bridge: Ingress) -> None:
    """By the card, and by our own URL where there is no card."""
    response = await bridge.post("/voice/resume?n=21", voice_form())
    assert tags(response.text) == ["Say", "Hangup"]
    await attached(bridge, resumes="20")
    response = await bridge.post("/voice/resume", voice_form())
    assert tags(response.text) == ["Say", "Hangup"]


ENGLISH = replace(HEBREW, language="en-US", voice="", apology="Sorry, default.", fallback="")
BOOK = SpeechBook(agents={"default": ENGLISH, "shalom": HEBREW}, numbers={"+97231234567": "shalom"})


async def told(bridge: Ingress) -> None:
    """The brains have told of two agents."""
    for command in speech_commands(BOOK):
        await bridge.process.store.execute(command)
    await bridge.role._announcer.read()


def said(document: str) -> tuple[str | None, dict[str, str]]:
    """The text and the attributes of the first `<Say>`."""
    say = next(ElementTree.fromstring(document).iter("Say"))
    return say.text, dict(say.attrib)


def dialled(document: str) -> tuple[str, str]:
    """The number that is dialled, and the caller id that it is shown."""
    dial = next(ElementTree.fromstring(document).iter("Dial"))
    return "".join(dial.itertext()), dial.attrib.get("callerId", "")


async def test_an_apology_without_words_has_those_of_the_calls_agent(bridge: Ingress) -> None:
    """In its language, by a voice that speaks it; the card names the agent."""
    await told(bridge)
    await attached(bridge, next="apology", agent="shalom")
    response = await bridge.post("/voice/resume", voice_form())
    assert said(response.text) == ("מצטערים.", {"language": "he-IL", "voice": "Google.he-IL-Standard-A"})
    assert dialled(response.text) == ("+15550003333", "")


async def test_words_in_another_language_than_the_agents_have_a_voice_that_speaks_it(bridge: Ingress) -> None:
    """A caller whose system refuses them in their own: an English voice would say nothing of it. Asked again
    after the call's end, too."""
    await told(bridge)
    plan = {"next": "apology", "next_arg": "סגור.", "next_language": "he", "fallback": "none"}
    await attached(bridge, agent="default", **plan)
    hebrew = ("סגור.", {"language": "he-IL", "voice": "Google.he-IL-Standard-A"})

    assert said((await bridge.post("/voice/resume", voice_form())).text) == hebrew

    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert said((await bridge.post("/voice/resume", voice_form())).text) == hebrew


async def test_an_apology_is_said_again_to_who_asks_again(bridge: Ingress) -> None:
    """The first answer was lost on its way: a repeated webhook must not hang up in silence."""
    await told(bridge)
    await attached(bridge, next="apology", agent="shalom")
    first = await bridge.post("/voice/resume", voice_form())
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    assert (await bridge.post("/voice/resume", voice_form())).text == first.text


@pytest.mark.parametrize("called", ["+97231234567", "sip:+97231234567@pbx.example.com", "97231234567"])
async def test_full_is_said_in_the_language_of_the_called_number(valkey_url: str, called: str) -> None:
    """The caller has no agent yet."""
    async with ingress(valkey_url, max_calls=1) as bridge:
        await told(bridge)
        await bridge.token(1)
        response = await bridge.post("/voice", voice_form(2, To=called))
        assert said(response.text) == ("תפוס.", {"language": "he-IL", "voice": "Google.he-IL-Standard-A"})


PAUSE_MS = int(store_turns.PATIENT_MS + 1_500)
"""Longer than a call that comes back waits for Redis."""


async def test_what_was_told_is_said_when_redis_is_away(bridge: Ingress) -> None:
    """By the agent that the webhook's URL named, which our own URL carries."""
    await told(bridge)
    await bridge.store.client_pause(PAUSE_MS)
    response = await bridge.post("/voice/resume?agent=shalom", voice_form())
    assert said(response.text)[0] == "מצטערים."


@pytest.mark.parametrize(
    "caller", ["sip:alice@pbx.example.com", "client:alice", "anonymous", "+266696687", ""]
)
@pytest.mark.parametrize("plan", ["apology", "dial"])
async def test_who_has_no_number_to_show_is_connected_all_the_same(
    bridge: Ingress, caller: str, plan: str
) -> None:
    """With our own number: without one Twilio refuses to dial."""
    await told(bridge)
    await attached(bridge, next=plan, next_arg="+15550003333" if plan == "dial" else "", agent="shalom")
    response = await bridge.post("/voice/resume", voice_form(From=caller))
    assert dialled(response.text) == ("+15550003333", "+15550002222")


async def test_a_fallback_that_would_come_back_to_us_is_not_dialled(bridge: Ingress) -> None:
    """The desk forwards to us when nobody is there."""
    await told(bridge)
    await attached(bridge, next="apology", agent="shalom")
    response = await bridge.post("/voice/resume", voice_form(ForwardedFrom="+15550003333"))
    assert tags(response.text) == ["Say", "Hangup"]


async def test_a_transfer_to_who_forwarded_the_call_is_busy(bridge: Ingress) -> None:
    """It would ring in vain and come back to us: the conversation goes on instead, and the brain knows
    why."""
    await attached(bridge, next="dial", next_arg="+15550003333")
    form = voice_form(ForwardedFrom="+15550003333")
    assert tags((await bridge.post("/voice/resume", form)).text) == ["Connect", "Redirect"]
    told = await bridge.store.xrange(bridge.process.keys.control(call_sid()))
    assert [fields[b"status"] for _, fields in told if fields.get(b"kind") == b"dialled"] == [b"busy"]


async def test_our_own_number_that_calls_itself_is_busy(bridge: Ingress) -> None:
    """A transfer with our caller id that was forwarded to us: whoever dialled it goes on talking."""
    response = await bridge.post("/voice", voice_form(From="+15550002222"))
    assert tags(response.text) == ["Reject"]
    assert await bridge.store.zcard(ADMITTED) == 0


async def test_a_call_of_another_account_is_told_at_once(bridge: Ingress) -> None:
    """Its stream would be refused, and so would each after it; the log names the setting."""
    response = await bridge.post("/voice", voice_form(AccountSid="AC" + "c" * 32))
    assert tags(response.text) == ["Say", "Hangup"]
    assert bridge.role._webhooks.counters.refusals[WebhookReason.WRONG_ACCOUNT] == 1
    assert await bridge.store.zcard(ADMITTED) == 0


async def test_streams_that_are_refused_each_time_end_in_words(bridge: Ingress) -> None:
    """After three, not after twenty: each of them is silence."""
    document = (await bridge.post("/voice", voice_form())).text
    streams = 0
    while tags(document) == ["Connect", "Redirect"]:
        streams += 1
        redirect = next(ElementTree.fromstring(document).iter("Redirect")).text or ""
        path = redirect.removeprefix(PUBLIC_URL).partition("#")[0]
        document = (await bridge.post(path, voice_form())).text
    assert (streams, tags(document)) == (3, ["Say", "Hangup"])


async def test_of_a_call_that_we_placed_the_person_is_the_callee(bridge: Ingress) -> None:
    """Our number chooses the agent; theirs is the one that is masked."""
    form = voice_form(From="+15550002222", To="+15550001111", Direction="outbound-api")
    given = parameters((await bridge.post("/voice", form)).text)
    assert (given["from"], given["to"]) == ("+15550001111", "+15550002222")


async def test_an_apology_without_redis_is_how_the_call_ended(bridge: Ingress) -> None:
    """Not `completed`, as Twilio calls it afterwards; the cause says what was missing."""
    await attached(bridge)
    await bridge.store.client_pause(PAUSE_MS)
    response = await bridge.post("/voice/resume", voice_form())
    assert tags(response.text) == ["Say", "Hangup"]
    await bridge.post("/call-status", voice_form(CallStatus="completed"))
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    card = await bridge.card()
    assert (card["outcome"], card["cause"]) == ("apology", "no_redis")


async def test_the_callers_number_in_full_is_in_its_own_key(bridge: Ingress) -> None:
    """The card has the end of it."""
    await bridge.live()
    number = await steps.read_number(bridge.process.store, bridge.process.keys, call_sid())
    assert (number, (await bridge.card())["from"]) == ("+15550001111", "…11")


async def test_call_status(bridge: Ingress) -> None:
    """Only a final status ends a call; an unknown call is nobody's."""
    await attached(bridge)
    assert (await bridge.post("/call-status", voice_form(CallStatus="in-progress"))).status_code == 204
    assert (await bridge.card())["state"] == "attached"
    assert (await bridge.post("/call-status", voice_form(CallStatus="completed"))).status_code == 204
    await wait_until(lambda: bridge.is_in_state("ended"), "the call has ended")
    other = voice_form(5, CallStatus="failed")
    assert (await bridge.post("/call-status", other)).status_code == 204


async def test_stream_status(bridge: Ingress) -> None:
    """Errors of a stream are counted; the callback changes nothing."""
    form = {"CallSid": call_sid(), "StreamSid": stream_sid(), "StreamEvent": "stream-error"}
    response = await bridge.post("/stream-status", {**form, "StreamError": "Handshake Error"})
    assert response.status_code == 204
    assert bridge.role._webhooks.counters.stream_errors == 1


async def test_documents_are_xml(bridge: Ingress) -> None:
    """Hostile numbers in the form do not spoil the document."""
    form = voice_form(From='"><Hangup/>\x00\x1b', To="א&")
    response = await bridge.post("/voice", form)
    ElementTree.fromstring(response.text)
    assert parameters(response.text)["from"] == '"><Hangup/>'


async def test_the_brain_is_told_that_nobody_took_a_transferred_call(bridge: Ingress) -> None:
    """Busy: the conversation goes on, and `dialled` stands before the new stream, once for each attempt."""
    await attached(bridge, next="dial", next_arg="+15550003333")
    form = {**voice_form(), "DialCallStatus": "busy"}

    answers = [await bridge.post("/voice/resume?n=2", form) for _ in range(2)]

    assert [tags(answer.text) for answer in answers] == [["Connect", "Redirect"]] * 2
    told = [
        (fields[b"kind"], fields[b"status"], fields[b"n"])
        for _, fields in await bridge.store.xrange(bridge.process.keys.control(call_sid()))
        if fields.get(b"kind") == b"dialled"
    ]
    assert set(told) == {(b"dialled", b"busy", b"dialled-2")}


async def test_an_apology_goes_on_to_the_agents_own_number(bridge: Ingress) -> None:
    """The card's `fallback` is that of the agent; the settings have none here."""
    await attached(bridge, next="apology", next_arg="Sorry, sales cannot talk.", fallback="+15550003333")

    answer = await bridge.post("/voice/resume", voice_form())

    assert tags(answer.text) == ["Say", "Dial", "Hangup"]
    assert "Sorry, sales cannot talk." in answer.text
    assert "+15550003333" in answer.text


async def test_the_called_number_stands_on_the_card_in_full(bridge: Ingress) -> None:
    """An agent is chosen by it; the caller's stays masked."""
    known = replace(NOBODYS, caller_number="…89", called_number="…22", called_line="+15550002222")
    await attach(bridge, known)

    card = await bridge.store.hgetall(bridge.process.keys.card(call_sid()))  # type: ignore[misc]

    assert (card[b"from"], card[b"to"], card[b"called"]) == ("…89".encode(), "…22".encode(), b"+15550002222")


@pytest.mark.parametrize(
    ("reason", "verbs"),
    [
        (WebhookReason.LATE, ["Say", "Dial", "Hangup"]),
        (WebhookReason.PROCESS, ["Say", "Dial", "Hangup"]),
        (WebhookReason.FILES, ["Say", "Dial", "Hangup"]),
        (WebhookReason.MODEL, ["Say", "Dial", "Hangup"]),
    ],
)
async def test_a_process_under_load_says_so_in_the_agents_language(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch, reason: WebhookReason, verbs: list[str]
) -> None:
    """With its fallback number; no place is taken, and each refusal is counted by its reason."""
    await told(bridge)
    monkeypatch.setattr(rules, "judge", lambda *_: reason)
    response = await bridge.post("/voice?agent=shalom", voice_form())
    assert tags(response.text) == verbs
    assert said(response.text)[0] == "תפוס."
    assert bridge.role._webhooks.counters.refusals[reason] == 1
    assert await bridge.store.zcard(ADMITTED) == 0


async def test_under_load_who_is_on_the_line_streams_on(
    bridge: Ingress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that comes back is not a new one."""
    await attached(bridge)
    monkeypatch.setattr(rules, "judge", lambda *_: WebhookReason.LATE)
    assert tags((await bridge.post("/voice/resume", voice_form())).text) == ["Connect", "Redirect"]


async def test_a_caller_who_has_had_enough_is_not_put_through(valkey_url: str) -> None:
    """To a fallback number, at somebody's cost; others are taken meanwhile."""
    async with ingress(
        valkey_url, caller_calls_at_once=1, fallback_number="+15550009999", max_calls=2
    ) as bridge:
        await bridge.token(1)
        refused = await bridge.post("/voice", voice_form(2))
        assert tags(refused.text) == ["Say", "Hangup"]
        assert bridge.role._webhooks.counters.refusals["caller_at_once"] == 1
        other = await bridge.post("/voice", voice_form(3, From="+15550003333"))
        assert tags(other.text) == ["Connect", "Redirect"]
        full = await bridge.post("/voice", voice_form(4, From="+15550004444"))
        assert tags(full.text) == ["Say", "Dial", "Hangup"]


async def test_a_transfer_too_many_is_busy(valkey_url: str) -> None:
    """The conversation goes on, and the brain knows why; a webhook that is asked again answers the same."""
    async with ingress(valkey_url, caller_transfers_a_day=1) as bridge:
        await attached(bridge, next="dial", next_arg="+15550003333")
        for _ in range(2):
            assert tags((await bridge.post("/voice/resume?n=2", voice_form())).text) == ["Dial"]
        for _ in range(2):
            answer = await bridge.post("/voice/resume?n=4", voice_form())
            assert tags(answer.text) == ["Connect", "Redirect"]
        told_of = await bridge.store.xrange(bridge.process.keys.control(call_sid()))
        dialled_as = {fields[b"status"] for _, fields in told_of if fields.get(b"kind") == b"dialled"}
        assert dialled_as == {b"busy"}
        assert bridge.role._webhooks.counters.refusals["caller_transfers"] == 2
