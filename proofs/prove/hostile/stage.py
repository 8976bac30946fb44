"""Where it is played: a stack of processes, a model that keeps count of its sessions, the callers' Twilio.

Why it exists: who has opened a session is asked of the model, and a hostile word reaches it through a tool of
ours. Owns: that setting. Must not know: attacks, what is promised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from console.stack.launcher import Stack
from console.stack.plan import CALL_COMES_IN
from console.stack.ports import free_port
from proofs.measure import load
from proofs.prove.chaos.setting.stage import call_of
from proofs.prove.hostile import injections
from proofs.prove.hostile.canaries import API_KEY
from proofs.prove.hostile.injections import HostileTool
from proofs.prove.hostile.scene import Target
from shared.contract.worker import ROLES
from shared.store.client import Store, make_store
from simulators.realtime import Knobs, RealtimeSimulator
from simulators.realtime.record import SessionRecord
from simulators.twilio import TwilioSimulator
from simulators.twilio.simulator import DEMO_ACCOUNT_SID


@dataclass(slots=True)
class Stage:
    """A stack and what stands around it."""

    stack: Stack
    store: Store
    model: RealtimeSimulator
    twilio: TwilioSimulator
    tool: HostileTool
    injected: set[str] = field(default_factory=set)
    """Calls in which the model obeys hostile words."""

    @property
    def public_url(self) -> str:
        """As Twilio knows it."""
        return self.stack.public_url

    def target(self) -> Target:
        """For attackers: past the proxy, with the secret that signs."""
        scheme, rest = self.public_url.split("://", 1)
        return Target(
            host="127.0.0.1",
            port=self.stack.public_port,
            public_url=self.public_url,
            stream_url=f"{'wss' if scheme == 'https' else 'ws'}://{rest}/media",
            account_sid=DEMO_ACCOUNT_SID,
            auth_token=self.stack.auth_token,
        )

    def sessions_of(self, call_sids: Collection[str]) -> list[SessionRecord]:
        """The model's sessions of these calls."""
        return [each for each in self.model.sessions if call_of(each.headers) in call_sids]

    def foreign_sessions(self, call_sids: Collection[str]) -> int:
        """Sessions of no call that we have made."""
        known = {*call_sids, *self.injected}
        return sum(call_of(each.headers) not in known for each in self.model.sessions)

    def forget(self, call_sids: Collection[str]) -> None:
        """These calls are judged: what was said in them is not kept, but that they had sessions."""
        for session in self.sessions_of(call_sids):
            session.sent.clear()
            session.received.clear()
            session.items.clear()
            session.responses.clear()

    async def pids(self) -> dict[str, int]:
        """Of the processes of the product. Raises SUPERVISOR_ERRORS. Cancelling it only ends the look."""
        found = await self.stack.pids()
        return {name: pid for name, pid in found.items() if name.partition("-")[0] in ROLES}


@asynccontextmanager
async def open_stage(folder: Path, seed: int, **environment: str) -> AsyncIterator[Stage]:
    """A stage with a stack of its own; gone when the block ends. `folder` holds its files;
    `environment` is its processes'."""
    agents, script, port = folder / "agents.toml", folder / "obedient.toml", free_port()
    script.write_text(injections.SCRIPT, "utf-8")
    injected: set[str] = set()
    async with HostileTool() as tool:
        agents.write_text(injections.agents(tool.port), "utf-8")
        options = load.options(
            "hostile",
            port,
            TRUNKLINE_AGENTS_FILE=str(agents),
            TRUNKLINE_LOG_LEVEL="info",
            TWILIO_ACCOUNT_SID=DEMO_ACCOUNT_SID,
            **environment,
        )
        async with (
            Stack(replace(options, model_api_key=API_KEY)) as stack,
            RealtimeSimulator(
                port=port, knobs_by=lambda headers: knobs_of(headers, injected, str(script), seed)
            ) as model,
            load.carrier(stack, seed, path=CALL_COMES_IN) as twilio,
        ):
            store = make_store(stack.redis_url, name="prove-hostile", timeout_s=5.0)
            try:
                yield Stage(stack, store, model, twilio, tool, injected)
            finally:
                await store.aclose()


def knobs_of(headers: Mapping[str, str], injected: Collection[str], script: str, seed: int) -> Knobs:
    """A model that obeys whatever it is told has its script, for the calls that want one."""
    return Knobs(seed=seed, script=script if call_of(headers) in injected else "")
