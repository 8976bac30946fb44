"""Load: many conversations, and their figures."""

from __future__ import annotations

from simulators.twilio import FAST, Clip, Knobs
from simulators.twilio.load import Load, run_load, summarise
from simulators.twilio.measures import response_times_ms
from tests.simulators.twilio.calls import VOICE, simulator
from tests.simulators.twilio.reference_bridge import SECOND, BridgeSocket, reference_bridge

SHORT = Clip(VOICE.audio[:1600], "short")


async def chat(socket: BridgeSocket) -> None:
    """Greets, then answers each utterance when it falls silent."""
    await socket.until("start")
    socket.play(SECOND[:2400])
    spoke, at = False, 0
    while True:
        media = await socket.until("media", at + 1)
        voiced = any(not m["media"]["payload"].startswith("/" * 40) for m in media[at:])
        at = len(media)
        if spoke and not voiced:
            socket.play(SECOND[:2400])
        spoke = voiced


async def test_calls_talk_until_time_is_up_and_are_summed_up() -> None:
    """Two turns or more each, answered, hung up by the caller."""
    async with reference_bridge(chat) as bridge, simulator(bridge, keep_audio=False) as twilio:
        load = Load(calls=4, seconds=4.0, clips=[SHORT], ramp_s=0.2, knobs=Knobs(pace=FAST))
        records = await run_load(twilio, load)

        summary = summarise(records)
        assert (summary.calls, summary.answered) == (4, 4)
        assert summary.ended == {"caller_hung_up": 4}
        assert summary.codes == {}
        assert summary.violations == 0
        assert summary.utterances >= 4
        assert summary.answers >= 4
        times = [ms for record in records for ms in response_times_ms(record) if ms is not None]
        assert min(times) <= summary.response_p50_ms <= summary.response_p95_ms <= max(times)
        assert summary.media_messages > 4
        assert all(not record.speech for record in records)


def test_the_summary_of_no_calls() -> None:
    """Zeros, not errors."""
    assert summarise([]).calls == 0
