"""What a call costs, from the model's word to the card and the webhook: against a sum that is worked out
here, from what the model has said and from the table of prices as a file."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from simulators.realtime import Knobs, SessionRecord
from simulators.twilio import HangUp, InterruptAfter, Speak, WaitForSilence, WaitForSpeech, WaitUntil
from tests.e2e.conftest import QUICK, clip, own_stack, plan
from tests.support.servers import server, valkey_binary
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("e2e")]

PRICES = Path(__file__).parents[2] / "shared" / "figures" / "prices.toml"
MODEL, TRANSCRIBER = "gpt-realtime-2.1", "gpt-realtime-whisper"
DONE, HEARD = "response.done", "conversation.item.input_audio_transcription.completed"
TURNS = 3


@asynccontextmanager
async def told() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A system of the user's: its URL, and the events that came."""
    came: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        (length,) = re.findall(r"content-length: (\d+)", head)
        came.append(json.loads(await reader.readexactly(int(length))))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/hook", came


def micros_by_hand(session: SessionRecord) -> Decimal:
    """Millionths of a dollar: a price is for a million tokens, so a token costs as many millionths.

    Cached tokens are taken off those that were put in, and have a price of their own; the transcriber is paid
    by the minute.
    """
    models = tomllib.loads(PRICES.read_text("utf-8"), parse_float=Decimal)["models"]
    price, total = models[MODEL], Decimal(0)
    for event in session.sent_of(DONE):
        usage: Any = event["response"]["usage"]  # type: ignore[index]
        put_in, out = usage["input_token_details"], usage["output_token_details"]
        cached = put_in["cached_tokens_details"]
        assert put_in["cached_tokens"] == cached["text_tokens"] + cached["audio_tokens"]
        for kind in ("text", "audio"):
            total += (put_in[f"{kind}_tokens"] - cached[f"{kind}_tokens"]) * price[f"{kind}_in"]
            total += cached[f"{kind}_tokens"] * price[f"{kind}_cached"]
            total += out[f"{kind}_tokens"] * price[f"{kind}_out"]
    heard: list[Any] = session.sent_of(HEARD)
    seconds = sum(Decimal(str(event["usage"]["seconds"])) for event in heard)
    return total + seconds / 60 * models[TRANSCRIBER]["minute"] * 1_000_000


def cached_audio(session: SessionRecord) -> int:
    """Tokens of sound that the model has said were cached."""
    dones: list[Any] = session.sent_of(DONE)
    details = (event["response"]["usage"]["input_token_details"] for event in dones)
    return sum(each["cached_tokens_details"]["audio_tokens"] for each in details)


def of_end(came: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in came if event["type"] == "call.ended"]


async def test_a_call_costs_what_its_sum_by_hand_is(tmp_path: Path) -> None:
    """Three turns, an interruption and a tool among them: the card and `call.ended` say the sum, cached sound
    included."""
    with server(valkey_binary(), tmp_path) as url:
        async with told() as (hook_url, came):
            environment = {"TRUNKLINE_WEBHOOK_URL": hook_url, "TRUNKLINE_WEBHOOK_SECRET": "any text"}
            one_each = {"ingress": 1, "brain": 1, "egress": 1}
            async with own_stack("cost", url, environment, workers=one_each) as bridge:
                knobs = Knobs(transcript_ms=200)
                async with bridge.realtime(knobs) as model, bridge.twilio() as twilio:

                    def is_counted() -> bool:
                        (session,) = model.sessions
                        said = len(session.sent_of(DONE))
                        return len(session.sent_of(HEARD)) == TURNS and said == len(session.responses)

                    steps = (
                        WaitForSpeech(), WaitForSilence(300), Speak(clip("en_caller_ask")),
                        InterruptAfter(600, clip("en_caller_interrupt")),
                        WaitForSpeech(), WaitForSilence(900),
                        Speak(clip("en_caller_goodbye")), WaitForSpeech(), WaitForSilence(900),
                        WaitUntil(is_counted, "the model has said what all of it used"), HangUp(),
                    )  # fmt: skip
                    call = await twilio.call(plan(*steps), QUICK)
                    card = await bridge.until_ended(call.call_sid)
                    (session,) = model.sessions
                    await wait_until(lambda: bool(of_end(came)), "the end is told", timeout_s=20)
    by_hand = micros_by_hand(session)
    assert cached_audio(session) > 100
    assert by_hand > 1_000
    assert abs(int(card["cost_micros"]) - by_hand) <= Decimal("0.5")
    (event,) = of_end(came)
    assert round(event["data"]["cost_usd"] * 1_000_000) == int(card["cost_micros"])
    by_model = {each["model"]: each for each in event["data"]["usage"]}
    assert by_model[MODEL]["audio_cached"] == cached_audio(session)
    assert by_model[MODEL]["requests"] == len(session.sent_of(DONE))
    assert by_model[TRANSCRIBER]["requests"] == TURNS
