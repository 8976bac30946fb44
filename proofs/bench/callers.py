"""The load generator, as a process: callers that ask, listen and interrupt a quarter of the replies.

Why it exists: a load that is made in the process that judges it, or beside the model, steals from both. Owns:
that process, and what it writes down of each call. Must not know: what the bridge is.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from proofs.bench import process
from proofs.bench.records import CallHeard, dump
from proofs.bench.twiml import webhook
from proofs.measure import own_share
from proofs.measure.load import CALLER_CLIPS
from proofs.prove.chaos.evidence.coding import MODEL, pieces
from simulators import clips
from simulators.twilio import CallRecord, Clip, TwilioSimulator
from simulators.twilio.load import Load, run_load
from simulators.twilio.measures import barge_ins, behind_schedule_ms, gaps_ms, response_times_ms


def heard(record: CallRecord, lead_ms: float | None = None) -> CallHeard:
    """What is written down of a call. `lead_ms`: how far ahead of the ear the bridge's pacer sends."""
    zero_ms = record.zero_ms
    ended_ms = zero_ms + (record.ended_at_ms or 0.0)
    responses = response_times_ms(record)
    interruptions = [item.clear_after_ms for item in barge_ins(record)]
    found = [piece for playback in record.playbacks for piece in pieces(bytes(playback.audio))]
    codes = [piece.code for piece in found if piece.code is not None]
    return CallHeard(
        call_sid=record.call_sid,
        # A call that nobody answered has lasted no time.
        began_ms=ended_ms if record.answered_at_ms is None else zero_ms + record.answered_at_ms,
        ended_ms=ended_ms,
        turn_ends_ms=[
            zero_ms + item.ended_at_ms for item in record.utterances if item.ended_at_ms is not None
        ],
        responses_ms=[ms for ms in responses if ms is not None],
        unanswered=sum(ms is None for ms in responses[:-1]),
        barge_ins_ms=[ms for ms in interruptions if ms is not None],
        uncleared=sum(ms is None for ms in interruptions),
        holes_ms=gaps_ms(record),
        behind_ms=[] if lead_ms is None else list(behind_schedule_ms(record, lead_ms)),
        clears_ms=[zero_ms + clear.at_ms for clear in record.clears],
        frames=[
            (code.voice.session, code.voice.response, code.voice.item, code.frame)
            for code in codes
            if code.voice.speaker == MODEL
        ],
        heard_bytes=sum(playback.bytes for playback in record.playbacks),
        unknown_bytes=sum(piece.length for piece in found if piece.code is None),
        failures=list(record.failures),
        violations=[f"{each.code} {each.text}" for each in record.violations],
        worst_tick_late_ms=record.worst_tick_late_ms,
    )


def parser() -> argparse.ArgumentParser:
    """Of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m proofs.bench.callers",
        description="The callers of the bench: says ready, makes the calls on the line `go`, says over,"
        " writes its records on the line `write`.",
    )
    where = made.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="ws(s) URL of a Media Streams server; the webhook is answered here")
    where.add_argument("--voice-url", help="voice webhook of the number")
    made.add_argument("--auth-token", default="bench", help="signs webhooks and handshakes (%(default)s)")
    made.add_argument("--dial", help="host:port to connect to, without TLS, whatever the URLs say")
    made.add_argument("--lead-ms", type=float, help="of the server's pacer; without it, it has none")
    made.add_argument("--calls", type=int, required=True, help="calls at once")
    made.add_argument("--seconds", type=float, required=True, help="length of each, s")
    made.add_argument("--barge-ins", type=float, default=0.25, help="share of replies interrupted")
    made.add_argument("--seed", type=int, default=1, help="of every random choice (%(default)s)")
    made.add_argument("--out", type=Path, required=True, help="file for the records, JSON")
    return made


def main() -> None:
    """The command."""
    own_share.run(_call(parser().parse_args()))


# Private.


async def _call(arguments: argparse.Namespace) -> None:
    said = [Clip(clips.load(name), name) for name in CALLER_CLIPS]
    async with (
        _voice_url(arguments) as voice_url,
        TwilioSimulator(
            voice_url=voice_url,
            auth_token=arguments.auth_token,
            dial=arguments.dial,
            allow_ws=True,
            seed=arguments.seed,
        ) as twilio,
    ):
        load = Load(
            calls=arguments.calls,
            seconds=arguments.seconds,
            clips=said,
            barge_in_share=arguments.barge_ins,
            seed=arguments.seed,
            status_callback=_status_url(voice_url),
        )
        process.tell(process.READY)
        await process.told(process.GO)
        records = await run_load(twilio, load)
        process.tell(process.OVER)
        await process.told(process.WRITE)
    arguments.out.write_bytes(dump([heard(record, arguments.lead_ms) for record in records]))
    process.tell(process.WRITTEN)


@contextlib.asynccontextmanager
async def _voice_url(arguments: argparse.Namespace) -> AsyncIterator[str]:
    if arguments.voice_url is not None:
        yield arguments.voice_url
        return
    async with webhook(arguments.url) as voice_url:
        yield voice_url


def _status_url(voice_url: str) -> str:
    parts = urlsplit(voice_url)
    return f"{parts.scheme}://{parts.netloc}/call-status"


if __name__ == "__main__":
    main()
