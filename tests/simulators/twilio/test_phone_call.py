"""The call around its streams: webhooks, TwiML verb by verb, resumes, status callbacks."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.twilio import (
    FAST,
    CallPlan,
    DialOutcome,
    HangUp,
    Knobs,
    Pause,
    PlanFailed,
    Speak,
    TwilioSimulator,
    WaitForEnd,
    WaitForSilence,
    WaitForSpeech,
)
from simulators.twilio.knobs import Pace
from tests.simulators.twilio.calls import VOICE, call, greet, simulator
from tests.simulators.twilio.reference_bridge import (
    AUTH_TOKEN,
    STREAM_URL,
    VOICE_URL,
    BridgeSocket,
    Documents,
    listen,
    reference_bridge,
    stream_document,
)
from tests.support.servers import free_port

CALL_STATUS = "https://demo.trunkline.test/call-status"


def says(document: str) -> Documents:
    """Answers every webhook with this inside a Response."""
    return lambda path, form: f"<Response>{document}</Response>"


async def close_at_once(socket: BridgeSocket) -> None:
    await socket.until("start")
    socket.close()


async def test_every_webhook_is_signed_and_has_the_standard_form() -> None:
    """Empty and unknown fields included; ringing first, in-progress later."""
    _, bridge = await call(WaitForEnd(), talk=close_at_once)

    assert all(post.signed for post in bridge.posts)
    voice, resume = bridge.posts_to("/voice")[0], bridge.posts_to("/voice/resume")[0]
    assert voice.form["CallStatus"] == "ringing"
    assert resume.form["CallStatus"] == "in-progress"
    assert voice.form["FromCity"] == ""
    assert "UnannouncedField" in voice.form
    assert voice.form["CallSid"] == resume.form["CallSid"]


async def test_the_upgrade_is_signed_over_the_wss_url() -> None:
    """No subprotocol, no compression."""
    _, bridge = await call(Pause(50), talk=listen)

    [socket] = bridge.sockets
    assert socket.signed
    assert socket.path == "/media"
    assert "sec-websocket-protocol" not in socket.headers
    assert "sec-websocket-extensions" not in socket.headers


@pytest.mark.parametrize("signature", ["wrong", "absent", "https", "slash"])
async def test_the_upgrade_can_be_signed_otherwise(signature: Any) -> None:
    """Wrong, absent, over https, or over the URL with a slash: none fits the URL as it came."""
    _, bridge = await call(Pause(50), talk=listen, knobs={"signature": signature})

    [socket] = bridge.sockets
    assert not socket.signed
    assert ("x-twilio-signature" in socket.headers) is (signature != "absent")


async def test_our_close_leads_over_redirect_to_a_new_stream_of_the_same_call() -> None:
    """Same callSid, new streamSid, fresh counters; what the caller says meanwhile is lost."""

    def documents(path: str, form: dict[str, str]) -> str:
        return stream_document()

    async def talk(socket: BridgeSocket) -> None:
        if len(bridge.sockets) == 1:
            await socket.until("media", 5)
            socket.close()
        else:
            await greet(socket)

    async with reference_bridge(talk, documents) as bridge, simulator(bridge) as twilio:
        pace = Pace(answer_to_socket_ms=(0, 0), seam_ms=(300, 300), first_timestamp_ms=(50, 50))
        plan = CallPlan([Speak(VOICE), WaitForSpeech(), WaitForSilence(50), HangUp()])
        record = await twilio.call(plan, Knobs(pace=pace))

        first, second = (socket.of("start")[0] for socket in bridge.sockets)
        assert first["start"]["callSid"] == second["start"]["callSid"]
        assert first["streamSid"] != second["streamSid"]
        assert second["sequenceNumber"] == "1"
        assert bridge.sockets[1].of("media")[0]["media"]["chunk"] == "1"
        assert record.utterances[0].frames_lost > 10
        opened, ended = record.streams[1].open_at_ms, record.streams[0].ended_at_ms
        assert opened is not None
        assert ended is not None
        assert opened - ended >= 295


async def test_the_default_seam_and_start_are_twilios() -> None:
    """0.4 to 0.9 s between streams."""
    assert Pace().seam_ms == (400.0, 900.0)
    assert Pace().first_timestamp_ms == (50, 170)


async def test_a_spent_token_can_be_brought_again() -> None:
    """`reuse_first_parameters`."""

    def documents(path: str, form: dict[str, str]) -> str:
        if len(bridge.sockets) == 2:
            return "<Response/>"
        return stream_document().replace("t1", "one" if path == "/voice" else "two")

    async with reference_bridge(close_at_once, documents) as bridge, simulator(bridge) as twilio:
        await twilio.call(CallPlan([WaitForEnd()]), Knobs(pace=FAST, reuse_first_parameters=True))

        sent = [s.of("start")[0]["start"]["customParameters"]["token"] for s in bridge.sockets]
        assert sent == ["one", "one"]


async def test_connect_action_is_asked_instead_of_the_next_verb() -> None:
    """Verbs after it are not reached."""

    def documents(path: str, form: dict[str, str]) -> str:
        if path == "/after":
            return "<Response><Hangup/></Response>"
        return stream_document("<Say>never</Say>").replace("<Connect>", '<Connect action="/after">')

    record, bridge = await call(WaitForEnd(), talk=close_at_once, documents=documents)

    assert len(bridge.posts_to("/after")) == 1
    assert [run.name for run in record.verbs] == ["ConnectStream", "Hangup"]


async def test_say_pause_play_and_the_end_of_the_document() -> None:
    """Each takes its time; no verb left ends the call."""
    record, _ = await call(
        WaitForEnd(), documents=says("<Say>hello</Say><Play digits='12'/><Play>x</Play><Pause/>")
    )

    assert [run.name for run in record.verbs] == ["Say", "Play", "Play", "Pause"]
    assert [run.ended_at_ms - run.started_at_ms > 4 for run in record.verbs] == [True] * 4
    assert record.verbs[1].ended_at_ms - record.verbs[1].started_at_ms >= 395
    assert record.verbs[3].ended_at_ms - record.verbs[3].started_at_ms >= 995
    assert record.end_reason == "no_more_verbs"


async def test_a_hang_up_cuts_any_verb_short() -> None:
    """A trailing 40 s pause does not hold a caller who has gone."""
    record, _ = await call(Pause(50), HangUp(), documents=says("<Pause length='40'/>"))

    assert record.end_reason == "caller_hung_up"
    assert record.ended_at_ms is not None
    assert record.ended_at_ms < 20_000


async def test_dial_reports_its_outcome_to_the_action() -> None:
    """Busy, and the conversation goes on as the action says."""

    def documents(path: str, form: dict[str, str]) -> str:
        if path == "/voice":
            return '<Response><Dial action="/dialled">+15550003333</Dial></Response>'
        return f"<Response><Say>{form['DialCallStatus']}</Say></Response>"

    record, bridge = await call(WaitForEnd(), documents=documents, plan={"dials": [DialOutcome("busy", 30)]})

    assert bridge.posts_to("/dialled")[0].signed
    assert [(run.name, run.detail) for run in record.verbs] == [
        ("Dial", "+15550003333"),
        ("Say", "busy"),
    ]


@pytest.mark.parametrize(
    ("attribute", "status", "codes_logged"),
    [("", "failed", [13214]), (' callerId="+15550002222"', "completed", [])],
)
async def test_who_has_no_number_needs_a_caller_id_to_be_dialled_on(
    attribute: str, status: str, codes_logged: list[int]
) -> None:
    """A SIP or Client leg, or a withheld number: without one the dial fails."""

    def documents(path: str, form: dict[str, str]) -> str:
        if path == "/voice":
            return f'<Response><Dial action="/dialled"{attribute}>+15550003333</Dial></Response>'
        return "<Response><Hangup/></Response>"

    record, bridge = await call(
        WaitForEnd(),
        documents=documents,
        plan={"from_number": "client:alice", "dials": [DialOutcome("completed", 30)]},
    )
    assert [post.form["DialCallStatus"] for post in bridge.posts_to("/dialled")] == [status]
    assert [entry.code for entry in record.logged] == codes_logged


async def test_dial_without_action_goes_to_the_next_verb() -> None:
    """And a call can be rejected before it is answered."""
    dialled, _ = await call(WaitForEnd(), documents=says("<Dial>+1</Dial><Say>x</Say>"))
    rejected, bridge = await call(
        documents=says("<Reject reason='busy'/>"), plan={"status_callback": CALL_STATUS}
    )

    assert [run.name for run in dialled.verbs] == ["Dial", "Say"]
    assert (rejected.end_reason, rejected.answered_at_ms) == ("rejected", None)
    assert bridge.posts_to("/call-status")[0].form["CallStatus"] == "busy"


@pytest.mark.parametrize(
    ("stream_url", "code"),
    [("ws://demo.trunkline.test/media", 31922), ("wss://", 31923)],
)
async def test_a_stream_that_twilio_will_not_open_falls_through(stream_url: str, code: int) -> None:
    """Logged, then the next verb."""
    document = stream_document("<Hangup/>").replace(STREAM_URL, stream_url)
    record, _ = await call(WaitForEnd(), documents=lambda path, form: document)

    assert record.codes == [code]
    assert record.streams == []
    assert record.end_reason == "bridge_hung_up"


async def test_a_refused_handshake_is_31920_and_falls_through() -> None:
    """With a stream-error callback."""
    record, bridge = await call(WaitForEnd(), bridge={"refuse": 403})

    assert record.codes == [31920]
    assert record.streams[0].end == "never_opened"
    [status] = bridge.posts_to("/stream-status")
    assert status.form["StreamEvent"] == "stream-error"
    assert "403" in status.form["StreamError"]
    assert len(bridge.posts_to("/voice/resume")) == 1


async def test_handshakes_can_be_lost_on_the_way() -> None:
    """`refused_handshakes`: the bridge never sees them."""
    record, bridge = await call(WaitForEnd(), knobs={"refused_handshakes": 1})

    assert record.codes == [31920]
    assert bridge.sockets == []
    assert len(bridge.posts_to("/voice/resume")) == 1


async def test_a_closed_port_is_31902() -> None:
    """Plain ws by the switch, so that the stream may go elsewhere than the webhook."""
    document = stream_document("<Hangup/>").replace(STREAM_URL, f"ws://127.0.0.1:{free_port()}/media")
    document = document.replace("https://demo.trunkline.test", "http://127.0.0.1:1")
    async with reference_bridge(documents=lambda path, form: document) as bridge:
        twilio = TwilioSimulator(
            voice_url=f"http://{bridge.address}/voice", auth_token=AUTH_TOKEN, allow_ws=True
        )
        async with twilio:
            record = await twilio.call(CallPlan([WaitForEnd()]), Knobs(pace=FAST))

        assert record.codes == [31902]


async def test_stream_status_is_posted_at_start_and_end() -> None:
    """Signed, in order, with the stream's sid as its name."""
    _, bridge = await call(WaitForSpeech(), HangUp())

    posts = bridge.posts_to("/stream-status")
    assert [post.form["StreamEvent"] for post in posts] == ["stream-started", "stream-stopped"]
    assert all(post.signed for post in posts)
    assert posts[0].form["StreamName"] == posts[0].form["StreamSid"]


@pytest.mark.parametrize("event", ["stream-error", "stream-stopped"])
async def test_what_our_close_is_called_is_selectable(event: Any) -> None:
    """Nobody has confirmed which it is."""
    _, bridge = await call(WaitForEnd(), talk=close_at_once, knobs={"closed_event": event})

    last = bridge.posts_to("/stream-status")[-1].form
    assert last["StreamEvent"] == event
    assert ("StreamError" in last) is (event == "stream-error")


async def test_status_callbacks_can_be_late_and_doubled() -> None:
    """The record waits for them."""
    record, bridge = await call(
        WaitForEnd(),
        talk=close_at_once,
        knobs={"status_delay_ms": 300.0, "duplicate_status": True},
        plan={"status_callback": CALL_STATUS},
    )

    assert len(bridge.posts_to("/stream-status")) == 4
    assert len(bridge.posts_to("/call-status")) == 2
    assert record.ended_at_ms is not None
    late = [hook for hook in record.webhooks if hook.purpose == "call_status"]
    assert all(hook.asked_at_ms >= record.ended_at_ms + 290 for hook in late)


async def test_the_end_of_the_call_is_posted_when_the_plan_says_where() -> None:
    """CallStatus completed, signed, with the duration."""
    _, bridge = await call(WaitForSpeech(), HangUp(), plan={"status_callback": CALL_STATUS})

    [post] = bridge.posts_to("/call-status")
    assert post.signed
    assert post.form["CallStatus"] == "completed"
    assert "CallDuration" in post.form


@pytest.mark.parametrize("way", ["in_turn", "at_once"])
async def test_the_voice_webhook_can_come_twice(way: Any) -> None:
    """One CallSid, one idempotency token, one stream."""
    _, bridge = await call(Pause(100), knobs={"repeat_webhook": way})

    first, second = bridge.posts_to("/voice")
    assert first.form["CallSid"] == second.form["CallSid"]
    token = "i-twilio-idempotency-token"
    assert first.headers[token] == second.headers[token]
    assert len(bridge.sockets) == 1


@pytest.mark.parametrize(
    ("answer", "content_type", "code"),
    [
        ((500, "x"), "text/xml", 11200),
        ("<Response>", "text/xml", 12100),
        ("<Response/>", "application/json", 12300),
        ("<Response><Say>" + "x" * 70_000 + "</Say></Response>", "text/xml", 11750),
    ],
)
async def test_a_document_that_is_none_ends_the_call_or_asks_the_fallback(
    answer: Any, content_type: str, code: int
) -> None:
    """The fallback gets the error's code."""
    broken, _ = await call(documents=lambda path, form: answer, bridge={"content_type": content_type})
    saved, bridge = await call(
        WaitForEnd(),
        documents=lambda path, form: answer if path == "/voice" else "<Response><Hangup/></Response>",
        plan={"fallback_url": "https://demo.trunkline.test/voice/fallback"},
        bridge={"content_type": content_type},
    )

    assert (broken.end_reason, broken.codes) == ("application_error", [code])
    assert bridge.posts_to("/voice/fallback")[0].form["ErrorCode"] == str(code)
    assert saved.codes[0] == code


async def test_a_call_that_is_never_answered_fails_its_plan() -> None:
    """A test that waits for speech must not pass because the webhook failed."""
    with pytest.raises(PlanFailed, match=r"step 1 WaitForSpeech.*application_error"):
        await call(WaitForSpeech(), documents=lambda path, form: (500, "x"))


async def test_schema_warnings_are_on_the_record() -> None:
    """12200, and the call goes on."""
    record, _ = await call(WaitForEnd(), documents=says("<Dance/><Hangup/>"))

    assert record.codes == [12200]
    assert record.end_reason == "bridge_hung_up"


async def test_the_fragment_of_a_redirect_is_honoured_and_never_sent() -> None:
    """`#rc=..&rp=all`: a failing resume is tried again."""
    failures = [(503, ""), (503, "")]

    def documents(path: str, form: dict[str, str]) -> str | tuple[int, str]:
        if path == "/voice":
            return "<Response><Redirect>/voice/resume#rc=3&amp;rp=all</Redirect></Response>"
        return failures.pop() if failures else "<Response><Hangup/></Response>"

    record, bridge = await call(WaitForEnd(), documents=documents)

    assert len(bridge.posts_to("/voice/resume")) == 3
    assert record.end_reason == "bridge_hung_up"
    assert VOICE_URL.endswith("/voice")
