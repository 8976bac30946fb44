"""The model, as a process: the Realtime simulator, which thinks equally long each time.

Why it exists: what a system adds is exact only if the model's own time does not change from answer to answer,
and the model's CPU must be nobody else's. Owns: that process, and what it writes down of each session. Must
not know: who is connected.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from proofs.bench import process
from proofs.bench.records import ItemSpoken, SessionSpoken, dump
from proofs.measure import own_share
from proofs.prove.chaos.evidence.coding import MODEL, Voice
from simulators import clips
from simulators.comparison import cancelled_items, interrupted_items, item_starts_ms
from simulators.mulaw import BYTES_PER_MS
from simulators.realtime import Knobs, RealtimeSimulator, ResponseKnobs
from simulators.realtime.record import SessionRecord

OPENING_MS = 400.0
THINKING_MS = 350.0
STRAGGLERS = 2

CLOSING_S = 1.0
"""Sessions of calls that have just ended close in this time."""


def knobs(seed: int) -> Knobs:
    """A healthy service without chance in its times."""
    response = ResponseKnobs(first_audio_ms=THINKING_MS, stragglers=STRAGGLERS)
    return Knobs(seed=seed, opening_ms=OPENING_MS, response=response)


def coded_voice(session: SessionRecord, response: int, index: int, clip: str) -> bytes:
    """Words as frames that say whose they are, as long as the clip."""
    voice = Voice(speaker=MODEL, call=0, session=session.number, response=response, item=index)
    return voice.audio(len(clips.load(clip)))


def spoken(session: SessionRecord) -> SessionSpoken:
    """What is written down of a session."""
    interrupted = interrupted_items(session) | cancelled_items(session)
    began_ms = item_starts_ms(session)
    indexes = _indexes(session)
    items = []
    for item_id, at_ms in began_ms.items():
        item = session.items[item_id]
        assert item.response_id is not None, "audio without a response"
        items.append(
            ItemSpoken(
                session=session.number,
                response=session.responses[item.response_id].number,
                item=indexes[item_id],
                length_bytes=round(item.generated_ms * BYTES_PER_MS),
                began_ms=at_ms,
                interrupted=item_id in interrupted,
            )
        )
    return SessionSpoken(
        number=session.number,
        turns_heard=_turns_heard(session),
        items=items,
        errors=[str(error["code"]) for error in session.errors],
        violations=[f"{each.kind}: {each.detail}" for each in session.violations],
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m proofs.bench.model",
        description="The model of the bench: says ready, waits for the line `write`, writes its records.",
    )
    parser.add_argument("--port", type=int, required=True, help="port of the Realtime API")
    parser.add_argument("--seed", type=int, default=1, help="of every random choice (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="file for the records, JSON")
    own_share.run(_serve(parser.parse_args()))


# Private.


def _turns_heard(session: SessionRecord) -> int:
    """What the caller said: items of theirs that the bridge did not make of text."""
    heard = sum(item.role == "user" for item in session.items.values())
    return heard - sum(
        isinstance(event.get("item"), dict) and event["item"].get("role") == "user"  # type: ignore[attr-defined]
        for event in session.received_of("conversation.item.create")
    )


def _indexes(session: SessionRecord) -> dict[str, int]:
    """Which output of its response an item is."""
    return {
        str(event["item_id"]): int(str(event["output_index"]))
        for event in session.sent_of("response.output_audio.delta")
    }


async def _serve(arguments: argparse.Namespace) -> None:
    async with RealtimeSimulator(
        port=arguments.port, knobs=knobs(arguments.seed), voice=coded_voice
    ) as model:
        process.tell(process.READY)
        await process.told(process.WRITE)
        await asyncio.sleep(CLOSING_S)
        sessions = [spoken(session) for session in model.sessions]
        arguments.out.write_bytes(dump(sessions))
    process.tell(process.WRITTEN)


if __name__ == "__main__":
    main()
