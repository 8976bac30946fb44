"""Callers for whom there is no line, as a process: so many webhooks a second, and how each was answered.

Why it exists: they are Twilio's machines in life; in the process that plays the live callers they would be
late with those callers' frames. Owns: the webhooks of a call that is refused (`/voice`, `/call-status`),
their pace, both ends of its pipe. Must not know: what is promised.

Its first line in is whom to call, its last line out is what came of it.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from urllib.parse import urlencode, urlsplit

import orjson

from console.stack.plan import REPOSITORY
from proofs.prove.hostile.scene import Target, read_target, target_line
from shared.process.host import end_with_parent
from simulators.twilio.measures import percentile
from simulators.twilio.phone_call import new_sid
from simulators.twilio.webhooks.signing import sign_webhook

NICER: Final = 10
"""Other machines: on two cores they may have what is left over."""

ANSWERED_WITHIN_S: Final = 15.0
"""So long Twilio waits for a webhook."""

LIVES_S: Final = 2.0
"""From the refusal to the end of the call: it is being spoken."""

LATE_MS: Final = 50.0

BUSY, STREAM, SILENT, CUT, HELD = "busy", "stream", "silent", "cut", "held"
"""How `/voice` was answered: in words, by a stream, by neither; cut, or not at all."""


class RingersFailed(Exception):
    """They ended before they had called all."""


@dataclass(slots=True)
class Rung:
    """What came of it."""

    ends: Counter[str] = field(default_factory=Counter)
    """Of `/voice`: one of the words above, or another status than 200."""
    statuses: Counter[str] = field(default_factory=Counter)
    """Of `/call-status`."""
    seconds: float = 0.0
    late: int = 0
    """Calls that came more than LATE_MS after their turn."""
    answered_p50_ms: float = 0.0
    answered_p99_ms: float = 0.0
    """Of `/voice`, connection and all."""


async def ring(target: Target, a_second: float, seconds: float) -> Rung:
    """Calls, so many a second, until the last one is over. Cancelling it ends them."""
    found, took_ms = Rung(), list[float]()
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as calls:
        for number in range(round(a_second * seconds)):
            due_s = began_s + number / a_second
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            found.late += 1000 * (time.monotonic() - due_s) > LATE_MS
            calls.create_task(_call(target, found, took_ms))
        found.seconds = time.monotonic() - began_s
    found.answered_p50_ms, found.answered_p99_ms = percentile(took_ms, 0.5), percentile(took_ms, 0.99)
    return found


async def rung(target: Target, a_second: float, seconds: float) -> Rung:
    """The same from a process of its own. Raises RingersFailed. Cancelling it ends the process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proofs.prove.openings.ringers", f"{a_second:g}", f"{seconds:g}"),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=partial(end_with_parent, os.getpid()),
    )
    try:
        said, _ = await process.communicate(target_line(target))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not said:
        raise RingersFailed(f"expected what came of the calls, got code {process.returncode}: see above")
    return read_rung(said)


def rung_line(found: Rung) -> bytes:
    """For the pipe."""
    return orjson.dumps(found) + b"\n"


def read_rung(line: bytes) -> Rung:
    """The same, read. Raises ValueError, TypeError for anything else."""
    said = orjson.loads(line)
    said |= {name: Counter(said[name]) for name in ("ends", "statuses")}
    return Rung(**said)


def main() -> int:
    """The process."""
    os.nice(NICER)
    target = read_target(sys.stdin.buffer.readline())
    found = asyncio.run(ring(target, float(sys.argv[1]), float(sys.argv[2])))
    sys.stdout.buffer.write(rung_line(found))
    return 0


# Private.


async def _call(target: Target, found: Rung, took_ms: list[float]) -> None:
    form = {
        "CallSid": new_sid("CA"),
        "AccountSid": target.account_sid,
        "From": "+15550003333",
        "To": "+15550002222",
        "CallStatus": "ringing",
    }
    began_s = time.monotonic()
    end = await _asked(target, "/voice", form)
    took_ms.append(1000 * (time.monotonic() - began_s))
    found.ends[end] += 1
    if end == BUSY:
        await asyncio.sleep(LIVES_S)
        status = await _asked(target, "/call-status", {**form, "CallStatus": "completed"})
        found.statuses[status] += 1


async def _asked(target: Target, path: str, form: dict[str, str]) -> str:
    """How a webhook was answered."""
    body = urlencode(form)
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {urlsplit(target.public_url).netloc}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        f"X-Twilio-Signature: {sign_webhook(target.auth_token, target.public_url + path, form)}",
    ]
    try:
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            reader, writer = await asyncio.open_connection(*target.dial)
            try:
                writer.write("\r\n".join([*lines, "", body]).encode())
                return _end_of(await reader.read())  # Each connection ends with its answer.
            finally:
                writer.transport.abort()
    except TimeoutError:
        return HELD
    except OSError:
        return CUT


def _end_of(answer: bytes) -> str:
    if not answer.startswith(b"HTTP/1.1 "):
        return CUT
    status = answer[9:12].decode("latin-1")
    if status != "200":
        return status
    if b"<Stream" in answer:
        return STREAM
    return BUSY if b"<Say" in answer else SILENT


if __name__ == "__main__":
    sys.exit(main())
