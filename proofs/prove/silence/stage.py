"""Where rows are played: a whole stack of processes, its Redis, and the two simulators around it.

Why it exists: a fault of a process or of Redis is felt by all calls, so that several stacks work side by
side; a fault of the model is felt by one. Owns: the setting of such a stack, and whether it is whole again
after a row. Must not know: faults.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from console.stack.launcher import Stack, StackFailed
from console.stack.plan import CALL_COMES_IN, StackOptions
from console.stack.ports import free_port
from proofs.measure.load import carrier
from proofs.prove.silence.cast import Cast
from proofs.prove.silence.faults import Story
from proofs.prove.silence.story import script
from shared.store.client import Store, make_store
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.twilio import TwilioSimulator

WHOLE_AGAIN_S = 30.0

NUMBERS = {"default": "+15550002222", "asks": "+15550003333", "prompts": "+15550004444"}
"""The number of each agent."""

AGENTS = f"""
[default]
tools = ["check_order", "end_call"]
limits = {{ idle_prompt_s = 0 }}
[agents.asks]
numbers = ["{NUMBERS["asks"]}"]
answers_turns = "brain"
[agents.prompts]
numbers = ["{NUMBERS["prompts"]}"]
limits = {{ idle_prompt_s = 8.0, idle_prompts = 2 }}
"""


@dataclass(slots=True)
class Stage:
    """One stack and what stands around it."""

    stack: Stack
    store: Store
    model: RealtimeSimulator
    twilio: TwilioSimulator
    folder: Path
    """Has the scripts."""
    casts: dict[str, Cast] = field(default_factory=dict)
    """How the model behaves, by call."""

    def script(self, story: Story) -> str:
        """The path of a story's script."""
        return str(self.folder / f"{story.name.lower()}.toml")

    async def is_whole(self) -> bool:
        """Waits until every process is ready again; False if they are not soon. Cancelling is safe."""
        try:
            await self.stack.until_ready(WHOLE_AGAIN_S)
        except StackFailed:
            return False
        return True


@asynccontextmanager
async def open_stage(folder: Path, *, seed: int = 1) -> AsyncIterator[Stage]:
    """A stage with a stack of its own; gone when the block ends. `folder` holds its files."""
    agents = folder / "agents.toml"
    agents.write_text(AGENTS)
    port = free_port()
    options = StackOptions(
        name="prove-silence",
        model_base_url=f"http://127.0.0.1:{port}/v1",
        environment={
            "TRUNKLINE_LOG_LEVEL": "info",
            "TRUNKLINE_LOG_FORMAT": "json",
            "TRUNKLINE_MAX_CALLS": "1000",
            "TRUNKLINE_FALLBACK_NUMBER": "",
            "TRUNKLINE_AGENTS_FILE": str(agents),
        },
        watchdog=True,
        ready_timeout_s=90,
        stop_together=True,
    )
    async with Stack(options) as stack, stage_on(stack, port, folder, seed=seed) as stage:
        yield stage


@asynccontextmanager
async def stage_on(stack: Stack, model_port: int, folder: Path, *, seed: int = 1) -> AsyncIterator[Stage]:
    """A stage on a stack that runs and looks for its model at this port."""
    for story in Story:
        (folder / f"{story.name.lower()}.toml").write_text(script(story))
    casts: dict[str, Cast] = {}
    store = make_store(stack.redis_url, name="prove", timeout_s=5.0)
    try:
        async with (
            RealtimeSimulator(port=model_port, knobs_by=lambda headers: knobs_of(casts, headers)) as model,
            carrier(stack, seed, path=CALL_COMES_IN) as twilio,
        ):
            yield Stage(stack, store, model, twilio, folder, casts)
    finally:
        await store.aclose()


def knobs_of(casts: Mapping[str, Cast], headers: Mapping[str, str]) -> Knobs:
    """By the call that a session is for. One that nobody plays any more is healthy."""
    call_sid = headers.get("x-client-request-id", "").partition("/")[0]
    cast = casts.get(call_sid)
    return Knobs() if cast is None else cast.knobs()
