"""200 places over many lanes, asked for at three ingress processes over their public port: exactly 200."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import httpx
import pytest

from console.stack.launcher import Stack
from console.stack.plan import StackOptions
from shared.contract.keys import ADMITTED, lane_of
from shared.process.tasks import cancel_all
from shared.store.client import Store, make_store
from simulators.twilio.webhooks.signing import sign_webhook
from tests.support.servers import OWN_TIMEOUT_S
from tests.support.waiting import wait_until

PLACES, AT_ONCE, INGRESSES = 200, 260, 3
LOOK_S = 0.005

pytestmark = pytest.mark.timeout(120)


def call_sid(number: int) -> str:
    return f"CA{number:032x}"


@dataclass(slots=True)
class Door:
    """The public port of the three, and the count behind them."""

    stack: Stack
    http: httpx.AsyncClient
    store: Store
    most: int = 0
    """So many had a place at once, as it was seen."""

    async def ring(self, numbers: Iterable[int]) -> list[int]:
        """All at the same moment: those that are let in. The others are told that all lines are busy."""
        asked = list(numbers)
        answers = await asyncio.gather(*(self._post("/voice", number, "ringing") for number in asked))
        for text in answers:
            assert ("<Stream" in text) is ("Busy." not in text), text
        return [number for number, text in zip(asked, answers, strict=True) if "<Stream" in text]

    async def end(self, numbers: Iterable[int]) -> None:
        await asyncio.gather(*(self._post("/call-status", number, "completed") for number in numbers))

    async def until_taken(self, count: int) -> None:
        """So many have a place."""

        async def is_so() -> bool:
            return await self.store.zcard(ADMITTED) == count

        await wait_until(is_so, f"{count} have a place")

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            self.most = max(self.most, await self.store.zcard(ADMITTED))
            await asyncio.sleep(LOOK_S)  # Between two looks: most of all that were is what is wanted.

    async def answered(self) -> list[float]:
        """How many calls each process has let in or refused."""
        return [
            sum(
                float(line.rpartition(" ")[2])
                for line in (await asyncio.to_thread(self._metrics, number)).splitlines()
                if line.startswith(("trunkline_webhooks_connects_total", "trunkline_webhooks_refusals_total"))
            )
            for number in range(INGRESSES)
        ]

    # Private.

    async def _post(self, path: str, number: int, status: str) -> str:
        form = {
            "CallSid": call_sid(number),
            "From": "+15550001111",
            "To": "+15550002222",
            "CallStatus": status,
        }
        signature = sign_webhook(self.stack.auth_token, self.stack.public_url + path, form)
        response = await self.http.post(path, data=form, headers={"X-Twilio-Signature": signature})
        assert response.status_code in (200, 204)
        return response.text

    def _metrics(self, number: int) -> str:
        url = f"http://127.0.0.1:{self.stack.admin_port('ingress', number)}/metrics"
        with urlopen(url, timeout=5) as answer:
            return str(answer.read(), "utf-8")


@pytest.mark.parametrize("lanes", [16, 64])
async def test_none_is_refused_below_the_limit_and_none_let_in_above_it(lanes: int, tmp_path: Path) -> None:
    """However many ring in one moment, also while places fall free, each of which is taken once."""
    options = StackOptions(
        workers={"ingress": INGRESSES},
        model_base_url="http://127.0.0.1:9/v1",  # No call is streamed.
        run_dir=tmp_path / "run",
        environment={
            "TRUNKLINE_LANES": str(lanes),
            "TRUNKLINE_MAX_CALLS": str(PLACES),
            "TRUNKLINE_BUSY_MESSAGE": "Busy.",
            "TRUNKLINE_FALLBACK_NUMBER": "",
        },
        stop_together=True,
    )
    assert len({lane_of(call_sid(number), lanes) for number in range(PLACES)}) > lanes / 2
    async with (
        Stack(options) as stack,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{stack.public_port}",
            trust_env=False,
            timeout=30.0,
            limits=httpx.Limits(max_connections=2 * AT_ONCE),
        ) as http,
    ):
        store = make_store(stack.redis_url, name="test", timeout_s=OWN_TIMEOUT_S)
        door = Door(stack, http, store)
        watching = asyncio.create_task(door.watch())
        try:
            await _play(door)
        finally:
            await cancel_all([watching])
            await store.aclose()
    assert door.most == PLACES


async def _play(door: Door) -> None:
    let_in = await door.ring(range(AT_ONCE))
    assert len(let_in) == PLACES
    answered = await door.answered()
    assert sum(answered) == AT_ONCE
    assert min(answered) > 0

    # Places fall free, and are taken again: as many, whoever asks.
    await door.end(let_in[:60])
    await door.until_taken(PLACES - 60)
    assert len(await door.ring(range(1_000, 1_000 + AT_ONCE))) == 60
    assert await door.store.zcard(ADMITTED) == PLACES

    # Calls end and ring in the same moment: who is quick enough has a place of theirs.
    _, quick = await asyncio.gather(door.end(let_in[60:110]), door.ring(range(2_000, 2_000 + AT_ONCE)))
    assert len(quick) <= 50
    await door.until_taken(PLACES - 50 + len(quick))
    assert len(await door.ring(range(3_000, 3_000 + AT_ONCE))) == 50 - len(quick)
    assert await door.store.zcard(ADMITTED) == PLACES
