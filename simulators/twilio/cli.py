"""`python -m simulators.twilio`: calls a bridge from the command line.

Why it exists: one command to hear whether a bridge works, and one to load it. Owns: arguments and the printed
summary. Must not know: how a call is made; that is the simulator's.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvloop

from simulators import clips as stored_clips
from simulators.precedence import take_precedence
from simulators.twilio import measures
from simulators.twilio.caller.clip import Clip, read_clip
from simulators.twilio.caller.plan import (
    CALLED_NUMBER,
    CALLER_NUMBER,
    CallPlan,
    Dtmf,
    HangUp,
    InterruptAfter,
    Speak,
    Step,
    WaitForSilence,
    WaitForSpeech,
)
from simulators.twilio.knobs import Knobs
from simulators.twilio.load import Load, Summary, run_load, summarise
from simulators.twilio.record import CallRecord, PlanFailed
from simulators.twilio.simulator import DEMO_ACCOUNT_SID, TwilioSimulator, asking_for, parse_address

_EXIT_FAILED = 1
_EXIT_USAGE = 2

_EXAMPLES = """\
one call, recorded (left the caller, right what was heard):
  python -m simulators.twilio --voice-url https://demo.trunkline.test/voice --dial 127.0.0.1:8080 \\
      --auth-token TOKEN --say en_caller_ask --say question.wav --record call.wav

twenty calls for a minute, every fourth reply interrupted:
  python -m simulators.twilio --voice-url https://demo.trunkline.test/voice --dial 127.0.0.1:8080 \\
      --auth-token TOKEN --calls 20 --seconds 60 --barge-in 0.25

a call to another number of yours (agents.toml), from a SIP address:
  python -m simulators.twilio --voice-url https://demo.trunkline.test/voice --dial 127.0.0.1:8080 \\
      --auth-token TOKEN --to +15550003333 --from sip:ada@example.com

the agent sales, whatever number is called:
  python -m simulators.twilio --voice-url https://demo.trunkline.test/voice --dial 127.0.0.1:8080 \\
      --auth-token TOKEN --agent sales --say en_caller_ask

exit status: 0 all went as planned, 1 a step failed, 2 wrong usage
"""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulators.twilio",
        description="Calls a bridge as Twilio would: signed webhook, TwiML, media stream.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--voice-url", required=True, help="the number's voice webhook (public URL)")
    parser.add_argument("--auth-token", required=True, help="what webhooks are signed with")
    parser.add_argument("--account-sid", default=DEMO_ACCOUNT_SID, help="AC…")
    parser.add_argument(
        "--dial",
        metavar="HOST:PORT",
        help="connect here, plain, whatever the URLs say (the simulator is the TLS proxy too)",
    )
    parser.add_argument("--allow-ws", action="store_true", help="let TwiML name ws:// (tests)")
    parser.add_argument(
        "--from",
        dest="from_number",
        default=CALLER_NUMBER,
        metavar="NUMBER",
        help="who calls: +1…, sip:…, client:…, anonymous (%(default)s)",
    )
    parser.add_argument(
        "--to", dest="to_number", default=CALLED_NUMBER, metavar="NUMBER", help="who is called (%(default)s)"
    )
    parser.add_argument(
        "--agent",
        default="",
        metavar="NAME",
        help="ask for this agent, whatever number is called (agents.toml)",
    )
    parser.add_argument("--status-callback", metavar="URL", help="where the call's end is posted")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice")
    one = parser.add_argument_group("one call")
    one.add_argument(
        "--say",
        action="append",
        default=[],
        metavar="CLIP",
        help="what the caller says after each reply: the name of a stored clip, or a file "
        "(raw µ-law .ulaw, or WAV of 8 kHz, mono, 16 bit); may be repeated",
    )
    one.add_argument("--interrupt", metavar="CLIP", help="said 1.5 s into the last reply")
    one.add_argument("--dtmf", metavar="DIGITS", help="pressed after the first reply")
    one.add_argument("--record", type=Path, metavar="WAV", help="write both sides as stereo WAV")
    load = parser.add_argument_group("load")
    load.add_argument("--calls", type=int, metavar="N", help="number of calls at once, talking on")
    load.add_argument("--seconds", type=float, default=30.0, metavar="D", help="length of each")
    load.add_argument("--ramp", type=float, default=2.0, metavar="S", help="starts spread over S")
    load.add_argument("--barge-in", type=float, default=0.0, metavar="SHARE", help="0 to 1")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Parses, calls, prints; returns the exit status."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        if options.dial is not None:
            parse_address(options.dial)
        said = [_clip(name) for name in options.say]
        interruption = None if options.interrupt is None else _clip(options.interrupt)
    except (ValueError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return _EXIT_USAGE
    take_precedence()
    if options.calls is not None:
        return uvloop.run(_load(options, said))
    return uvloop.run(_one_call(options, said, interruption))


# Private.


def _clip(name: str) -> Clip:
    if Path(name).suffix or "/" in name:
        return read_clip(Path(name))
    if name not in stored_clips.manifest():
        known = ", ".join(stored_clips.manifest())
        raise ValueError(f"expected a file or a stored clip ({known}), got {name!r}")
    return Clip(stored_clips.load(name), name)


def _simulator(options: argparse.Namespace, *, keep_audio: bool) -> TwilioSimulator:
    return TwilioSimulator(
        voice_url=asking_for(options.voice_url, options.agent),
        auth_token=options.auth_token,
        account_sid=options.account_sid,
        dial=options.dial,
        allow_ws=options.allow_ws,
        keep_audio=keep_audio,
        seed=options.seed,
    )


async def _one_call(options: argparse.Namespace, said: list[Clip], interruption: Clip | None) -> int:
    steps: list[Step] = [WaitForSpeech(), WaitForSilence()]
    if options.dtmf:
        steps.append(Dtmf(options.dtmf))
    for clip in said:
        steps += [Speak(clip), WaitForSpeech(), WaitForSilence()]
    if interruption is not None:
        del steps[-1]
        steps += [InterruptAfter(1500, interruption), WaitForSilence()]
    plan = CallPlan(
        [*steps, HangUp()],
        from_number=options.from_number,
        to_number=options.to_number,
        status_callback=options.status_callback,
    )
    async with _simulator(options, keep_audio=True) as simulator:
        try:
            record = await simulator.call(plan, Knobs())
        except PlanFailed as failure:
            record = failure.record
    if options.record is not None:
        measures.write_stereo_wav(record, options.record)
    _print_call(record)
    return _EXIT_FAILED if record.failures else 0


async def _load(options: argparse.Namespace, said: list[Clip]) -> int:
    if not said:
        said = [
            Clip(stored_clips.load(name), name)
            for name, clip in stored_clips.manifest().items()
            if clip.speaker == "caller" and clip.language == "en"
        ]
    load = Load(
        calls=options.calls,
        seconds=options.seconds,
        clips=said,
        ramp_s=options.ramp,
        barge_in_share=options.barge_in,
        seed=options.seed,
        from_number=options.from_number,
        to_number=options.to_number,
        status_callback=options.status_callback,
    )
    async with _simulator(options, keep_audio=False) as simulator:
        records = await run_load(simulator, load)
    _print_load(summarise(records))
    return _EXIT_FAILED if any(record.failures for record in records) else 0


def _print_call(record: CallRecord) -> None:
    print(f"call {record.call_sid}: {record.end_reason} after {record.ended_at_ms or 0:.0f} ms")
    for stream in record.streams:
        open_ms = "never" if stream.open_at_ms is None else f"{stream.open_at_ms:.0f} ms"
        print(
            f"  stream {stream.number}: open {open_ms}, {stream.end}, sent {stream.frames_sent} "
            f"frames, got {len(stream.received_at_ms)} media, {len(stream.marks)} marks, "
            f"{len(stream.clears)} clears"
        )
    for spurt in measures.spurts(record):
        holes = f", {len(spurt.gaps_ms)} gaps" if spurt.gaps_ms else ""
        ending = ", cleared" if spurt.cleared else ""
        print(f"  heard from {spurt.started_at_ms:.0f} ms: {spurt.played_ms:.0f} ms{holes}{ending}")
    for utterance, response in zip(record.utterances, measures.response_times_ms(record), strict=True):
        answer = "no answer" if response is None else f"answered after {response:.0f} ms"
        print(f"  said {utterance.name} at {utterance.started_at_ms:.0f} ms: {answer}")
    for barge_in in measures.barge_ins(record):
        print(f"  barge-in: silent {barge_in.silent_after_ms:.0f} ms after the caller's voice")
    for line in record.logged:
        print(f"  Twilio {line.code} at {line.at_ms:.0f} ms: {line.text}")
    for failure in record.failures:
        print(f"  FAILED: {failure}")


def _print_load(summary: Summary) -> None:
    ended = ", ".join(f"{reason} {count}" for reason, count in sorted(summary.ended.items()))
    logged = ", ".join(f"{code} × {count}" for code, count in sorted(summary.codes.items()))
    print(f"calls {summary.calls}, answered {summary.answered}; ended: {ended}")
    print(
        f"turns {summary.utterances}, answered {summary.answers}; response p50 "
        f"{summary.response_p50_ms:.0f} ms, p95 {summary.response_p95_ms:.0f} ms"
    )
    print(f"barge-ins {summary.barge_ins}, silent within p95 {summary.barge_in_p95_ms:.0f} ms")
    print(
        f"media {summary.media_messages}, late {summary.late_frames} (p99 "
        f"{summary.lateness_p99_ms:.1f} ms), gaps {summary.gaps}, worst "
        f"{summary.worst_gap_ms:.0f} ms; violations {summary.violations}"
    )
    print(f"Twilio logged: {logged or 'nothing'}; failed steps {summary.failures}")
    print(f"the simulator's own worst tick: {summary.worst_tick_late_ms:.1f} ms late")
