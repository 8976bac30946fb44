"""What `supervisorctl restart` does to live calls: the table of docs/operating.md, row by row."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from console.stack.launcher import Stack
from console.stack.plan import CALL_COMES_IN, StackOptions
from shared.contract.keys import Keys
from shared.store.client import Store, make_store
from simulators.twilio import (
    FAST,
    CallPlan,
    CallRecord,
    HangUp,
    Knobs,
    LiveCall,
    Step,
    TwilioSimulator,
    WaitForSilence,
    WaitForSpeech,
    WaitUntil,
)
from tests.support.servers import OWN_TIMEOUT_S
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("deploy"),
    pytest.mark.asyncio(loop_scope="module"),
]

KEYS = Keys(1)


@dataclass(slots=True)
class Bridge:
    """A stack with two of each role, a caller's side, and supervisorctl."""

    stack: Stack
    store: Store
    twilio: TwilioSimulator

    async def ctl(self, *words: str) -> None:
        """`supervisorctl` of the stack; both ends of a restart are over when it returns."""
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self.stack.config_file)]
        process = await asyncio.create_subprocess_exec(
            *command, *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        assert await process.wait() == 0
        await self.stack.until_ready(30)

    async def greeted(self, until: asyncio.Event) -> LiveCall:
        """A live call that goes on until the event; its greeting has been heard."""
        steps: list[Step] = [
            WaitForSpeech(),
            WaitForSilence(300),
            WaitUntil(until.is_set, "the test is done"),
            HangUp(),
        ]
        live = self.twilio.start_call(CallPlan(steps=steps, stop_at_failure=False), Knobs(pace=FAST))
        await wait_until(lambda: len(live.record.marks) > 0, "the greeting was heard", timeout_s=20)
        return live

    async def card(self, live: LiveCall) -> dict[str, str]:
        found = await self.store.hgetall(KEYS.card(live.record.call_sid))
        return {name.decode(): value.decode() for name, value in found.items()}

    async def is_left(self, live: LiveCall, role: str) -> bool:
        """Whether nobody has the call."""
        return await self.owner(live, role) == ""

    async def is_had(self, live: LiveCall, role: str) -> None:
        """Waits until somebody has it, and sees it alive."""

        async def has_owner() -> bool:
            return not await self.is_left(live, role)

        await wait_until(has_owner, f"it has a {role} again", timeout_s=20)
        assert (await self.card(live))["state"] != "ended"

    async def owner(self, live: LiveCall, role: str) -> str:
        """supervisord's name of the process that owns the call, empty if none does."""
        name = (await self.card(live))[role]
        return name and name.partition("@")[0]


def verbs(record: CallRecord) -> list[str]:
    """What Twilio was told to do, so far."""
    return [verb.name.lower() for verb in record.verbs]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bridge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bridge]:
    options = StackOptions(
        drain_s=1,
        run_dir=tmp_path_factory.mktemp("live"),
        stop_together=True,
        environment={"TRUNKLINE_FALLBACK_NUMBER": "", "TRUNKLINE_LOG_FORMAT": "json"},
    )
    async with Stack(options) as stack:
        store = make_store(stack.redis_url, name="test", timeout_s=OWN_TIMEOUT_S)
        async with TwilioSimulator(
            voice_url=f"{stack.public_url}{CALL_COMES_IN}",
            auth_token=stack.auth_token,
            dial=f"127.0.0.1:{stack.public_port}",
        ) as twilio:
            yield Bridge(stack, store, twilio)
        await store.aclose()


async def test_restarting_one_ingress_moves_its_calls(bridge: Bridge) -> None:
    """After the drain Twilio is sent to the sibling; the same call goes on there."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    before = await bridge.owner(live, "ingress")
    await bridge.ctl("restart", f"ingress:{before}")
    assert (await bridge.card(live))["state"] != "ended"
    assert await bridge.owner(live, "ingress") not in ("", before)
    done.set()
    record = await live.finished()
    assert [stream.close_code for stream in record.streams] == [1001, None]


async def test_restarting_one_egress_hands_its_calls_over(bridge: Bridge) -> None:
    """The caller's socket is not touched."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    before = await bridge.owner(live, "egress")
    await bridge.ctl("restart", f"egress:{before}")
    assert await bridge.owner(live, "egress") not in ("", before)
    done.set()
    record = await live.finished()
    assert [stream.close_code for stream in record.streams] == [None]


async def test_restarting_one_brain_hands_its_calls_over(bridge: Bridge) -> None:
    """To its sibling: nobody hears of it, and nobody is told anything by Twilio's voice."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    before = await bridge.owner(live, "brain")
    calls = [live, *[await bridge.greeted(done) for _ in range(3)]]
    await bridge.ctl("restart", f"brain:{before}")
    for call in calls:
        await bridge.is_had(call, "brain")
        assert await bridge.owner(call, "brain") != before
    done.set()
    for record in [await call.finished() for call in calls]:
        assert [stream.close_code for stream in record.streams] == [None]
        assert "say" not in verbs(record)


async def test_restarting_the_group_of_egress_leaves_its_calls_mute_for_a_while(bridge: Bridge) -> None:
    """Both stop before one starts: there is nobody to hand a call to. The first that is back has it."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    await bridge.ctl("restart", "egress:")
    await bridge.is_had(live, "egress")
    done.set()
    record = await live.finished()
    assert [stream.close_code for stream in record.streams] == [None]


async def test_restarting_the_group_of_brains_lets_calls_wait(bridge: Bridge) -> None:
    """A live one goes on when the first of them is back; one that comes in meanwhile is greeted then."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    restarting = asyncio.create_task(bridge.ctl("restart", "brain:"))
    await wait_until(lambda: bridge.is_left(live, "brain"), "it has no brain", timeout_s=30)
    new = await bridge.greeted(done)
    await restarting
    await bridge.is_had(live, "brain")
    done.set()
    for record in [await call.finished() for call in (live, new)]:
        assert record.end_reason == "caller_hung_up"
        assert "say" not in verbs(record)


async def test_restarting_the_group_of_ingress_moves_its_calls(bridge: Bridge) -> None:
    """The public port stays open meanwhile: Twilio waits in it, and the same call goes on."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    await bridge.ctl("restart", "ingress:")
    new = await bridge.greeted(done)
    done.set()
    record, other = [await call.finished() for call in (live, new)]
    assert [stream.close_code for stream in record.streams] == [1001, None]
    assert other.end_reason == "caller_hung_up"


async def test_restarting_everything_cuts_calls_and_serves_again(bridge: Bridge) -> None:
    """As `restart all` does in production, where Redis is not supervisord's."""
    done = asyncio.Event()
    live = await bridge.greeted(done)
    await bridge.ctl("restart", "ingress:", "brain:", "egress:")
    assert live.record.streams[0].close_code is not None
    new = await bridge.greeted(done)
    done.set()
    await live.finished()
    assert (await new.finished()).end_reason == "caller_hung_up"
