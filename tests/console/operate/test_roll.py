"""Rolling: the order, and what must hold before each process is touched."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.operate.roll import ORDER, Roll, RollStopped, Told, plan, siblings
from console.stack.supervision import ProcessInfo
from tests.support.waiting import wait_until


def info(name: str, state: str = "RUNNING", pid: int = 1) -> ProcessInfo:
    """A process as supervisord has it."""
    return ProcessInfo(name=name, group=name.partition("-")[0], state=state, pid=pid, text="")


SIX = [info(f"{role}-{number}", pid=number + 10) for role in ORDER for number in (0, 1)]


def names(of: list[ProcessInfo]) -> list[str]:
    return [each.name for each in of]


# The plan.


def test_the_order_is_egress_brain_ingress() -> None:
    """Readers before those who write to them; sockets of callers last."""
    chosen = names(plan(SIX, {}))
    assert chosen == ["egress-0", "egress-1", "brain-0", "brain-1", "ingress-0", "ingress-1"]


def test_one_role_only() -> None:
    """As asked."""
    assert names(plan(SIX, {}, role="brain")) == ["brain-0", "brain-1"]


def test_a_process_that_is_not_ready_comes_first_in_its_role() -> None:
    """It serves nobody; restarted, it is a sibling for the next."""
    assert names(plan(SIX, {"brain-1": "FATAL"}, role="brain")) == ["brain-1", "brain-0"]


def test_what_was_stopped_by_hand_stays_stopped() -> None:
    """And is no sibling."""
    processes = [*SIX[:2], info("brain-0"), info("brain-1", "STOPPED", 0), info("brain-2")]
    assert names(plan(processes, {}, role="brain")) == ["brain-0", "brain-2"]


def test_a_single_process_needs_force() -> None:
    """The refusal says what would wait and what to do."""
    lonely = [*SIX[2:], info("egress-0")]
    with pytest.raises(RollStopped, match=r"got egress-0 alone.*wait.*EGRESS_PROCESSES.*--force"):
        plan(lonely, {})
    assert names(plan(lonely, {}, force=True))[0] == "egress-0"


def test_wrong_words_are_refused() -> None:
    """An unknown role; nothing to restart."""
    with pytest.raises(RollStopped, match="expected one of ingress, brain, egress as the role, got 'agent'"):
        plan(SIX, {}, role="agent")
    with pytest.raises(RollStopped, match="expected running processes"):
        plan([], {})


@given(st.permutations(SIX), st.sets(st.sampled_from([each.name for each in SIX])))
def test_every_process_once_and_roles_apart(processes: list[ProcessInfo], unready: set[str]) -> None:
    """In whatever order supervisord lists them, and whatever does not work."""
    chosen = plan(processes, dict.fromkeys(unready, "no answer"))
    assert sorted(names(chosen)) == sorted(names(SIX))
    assert [each.group for each in chosen] == [role for role in ORDER for _ in range(2)]
    assert [each.name for each in siblings(chosen[0], chosen)] == [chosen[1].name]


# The doing.


@dataclass(slots=True)
class FakeHost:
    """A supervisord and its processes. A process that is told to stop goes when its calls are over."""

    rows: dict[str, ProcessInfo]
    calls: dict[str, list[int]] = field(default_factory=dict)
    """Live calls of a process, one for each time that it is asked; it ends after the last."""
    broken: set[str] = field(default_factory=set)
    """Not ready after their restart."""
    hanging: asyncio.Event | None = None
    """Processes that stop wait for it."""
    unready: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    _away: set[str] = field(default_factory=set)
    _next_pid: int = 100

    def processes(self) -> list[ProcessInfo]:
        return list(self.rows.values())

    def process(self, group: str, name: str) -> ProcessInfo:
        row = self.rows[name]
        assert row.group == group
        if (
            row.state == "STOPPING"
            and not self.calls.get(name)
            and (not self.hanging or self.hanging.is_set())
        ):
            self.rows[name] = replace(row, state="STOPPED", pid=0)
        return self.rows[name]

    def ask_stop(self, group: str, name: str) -> None:
        assert not self._away, f"{name} was told to stop while {self._away} were down"
        self._away.add(name)
        self.done.append(f"stop {name}")
        self.rows[name] = replace(self.rows[name], state="STOPPING")

    def ask_start(self, group: str, name: str) -> None:
        assert self.rows[name].pid == 0
        self.done.append(f"start {name}")
        self._away.discard(name)
        self._next_pid += 1
        self.rows[name] = replace(self.rows[name], state="RUNNING", pid=self._next_pid)

    async def why_not_ready(self, role: str, number: int) -> str:
        name = f"{role}-{number}"
        started = f"start {name}" in self.done
        return "waiting for Redis" if started and name in self.broken else self.unready.get(name, "")

    async def live_calls(self, role: str, number: int) -> int | None:
        left = self.calls.get(f"{role}-{number}", [])
        return left.pop(0) if left else 0

    def roll(self, timeout_s: float = 5.0) -> Roll:
        return Roll(
            supervisor=self,
            why_not_ready=self.why_not_ready,
            live_calls=self.live_calls,
            tell=self.told.append,
            timeout_s=timeout_s,
        )


def host(**options: object) -> FakeHost:
    return FakeHost({each.name: each for each in SIX}, **options)  # type: ignore[arg-type]


async def test_one_after_the_other() -> None:
    """Each is stopped and started before the next is touched; the end is told."""
    box = host()
    await box.roll().run("brain")
    assert box.done == ["stop brain-0", "start brain-0", "stop brain-1", "start brain-1"]
    assert [told.event for told in box.told if told.event in ("ready", "done")] == ["ready", "ready", "done"]
    assert {row.pid for row in box.rows.values() if row.group == "brain"} == {101, 102}


async def test_live_calls_are_shown_while_a_process_drains() -> None:
    """Each number that it says."""
    box = host(calls={"egress-0": [3, 2, 1]})
    await box.roll().run("egress")
    assert [told.calls for told in box.told if told.process == "egress-0" and told.event == "draining"] == [
        3,
        2,
        1,
    ]


async def test_a_process_that_does_not_come_back_ends_the_roll() -> None:
    """The message names it, and its siblings go on untouched."""
    box = host(broken={"brain-0"})
    with pytest.raises(
        RollStopped, match=r"expected brain-0 back and ready within 0 s, got RUNNING: waiting for"
    ):
        await box.roll(timeout_s=0.1).run("brain")
    assert box.done == ["stop brain-0", "start brain-0"]


async def test_a_sibling_that_is_not_ready_is_waited_for_and_then_ends_the_roll() -> None:
    """Nothing is touched: two processes are broken, and the first would have no sibling."""
    box = host(unready={"brain-0": "full: 100 calls", "brain-1": "full: 100 calls"})
    with pytest.raises(
        RollStopped, match=r"expected brain-1 to be ready before brain-0 is touched, got: full"
    ):
        await box.roll(timeout_s=0.1).run("brain")
    assert box.done == []


async def test_a_dead_process_is_started_without_being_stopped() -> None:
    """supervisord refuses to stop what does not run."""
    box = host()
    box.rows["brain-1"] = info("brain-1", "FATAL", 0)
    await box.roll().run("brain")
    assert box.done == ["start brain-1", "stop brain-0", "start brain-0"]


async def test_what_was_stopped_by_hand_is_said() -> None:
    """And left so."""
    box = host()
    box.rows["brain-2"] = info("brain-2", "STOPPED", 0)
    await box.roll().run("brain")
    assert [told.process for told in box.told if told.event == "left_out"] == ["brain-2"]
    assert box.rows["brain-2"].state == "STOPPED"


async def test_an_interrupt_brings_the_process_back_first() -> None:
    """A process that drains when Ctrl-C comes is started again; the next is not touched."""
    box = host(hanging=asyncio.Event())
    assert box.hanging is not None
    task = asyncio.create_task(box.roll().run("brain"))
    await wait_until(lambda: box.done == ["stop brain-0"], "brain-0 drains")
    task.cancel()
    await wait_until(lambda: any("brought back" in told.text for told in box.told), "it says so")
    box.hanging.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert box.done == ["stop brain-0", "start brain-0"]
    assert box.rows["brain-0"].state == "RUNNING"
