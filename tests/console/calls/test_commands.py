"""The commands about calls, from the command line to Redis and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from typer.testing import CliRunner, Result

from console.app import app
from console.calls import audit, ending
from shared.clock import wall_ms
from shared.contract.streams.audit import Deed
from shared.contract.streams.control import HangUp, Say, read_message
from shared.contract.streams.journal import Kind
from shared.exit_codes import Exit
from shared.ownership import steps
from shared.store.client import Store, make_store
from tests.support.redis_samples import BRAIN, KEYS, ONE, TWO, make_call, make_living_call, make_worker

runner = CliRunner()


@pytest.fixture(autouse=True)
def _redis(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", valkey_url)


def in_redis(url: str, work: Callable[[Store], Awaitable[object]]) -> object:
    """What stands there before or after a command, which has an event loop of its own."""

    async def main() -> object:
        store = make_store(url, name="test")
        try:
            return await work(store)
        finally:
            await store.aclose()

    return asyncio.run(main())


async def one_call(store: Store) -> None:
    """A live call with a brain."""
    await make_call(store, ONE, 1_000)
    await make_worker(store, BRAIN)


async def messages(store: Store) -> list[object]:
    """What was said to the call."""
    return [
        read_message(entry_id, fields).message for entry_id, fields in await store.xrange(KEYS.control(ONE))
    ]


def run(*words: str) -> Result:
    return runner.invoke(app, [*words])


def test_calls(valkey_url: str) -> None:
    """As a table, and for programs."""
    in_redis(valkey_url, one_call)
    assert ONE in run("calls").stdout
    (found,) = json.loads(run("calls", "--json").stdout)
    assert (found["call_sid"], found["state"], found["pipeline"]) == (ONE, "attached", {})


def test_show(valkey_url: str) -> None:
    """Journal and card; a call that is none is named."""
    in_redis(valkey_url, one_call)
    assert Kind.ATTACHED.sentence in run("show", "CA1").stdout
    found = json.loads(run("show", "CA1", "--json", "-n", "1").stdout)
    assert found["card"]["brain"] == BRAIN
    assert [line["kind"] for line in found["journal"]] == ["attached"]
    assert json.loads(run("show", "CA1", "--json", "-n", "0").stdout)["journal"] == []
    missed = run("show", "CA2")
    assert missed.exit_code == Exit.FAILED
    assert "got 'CA2'" in missed.stderr


def test_watch_until_the_call_ends(valkey_url: str) -> None:
    """Lines for people, one document a line for programs."""

    async def ended_call(store: Store) -> None:
        await one_call(store)
        await store.xadd(KEYS.journal(ONE), {"kind": Kind.ENDED, "outcome": "completed"})

    in_redis(valkey_url, ended_call)
    assert [line.split()[2] for line in run("watch", "CA1").stdout.splitlines()] == ["attached", "ended"]
    found = [json.loads(line) for line in run("watch", "CA1", "--json").stdout.splitlines()]
    assert [(each["stream"], each["kind"]) for each in found] == [
        ("journal", "attached"),
        ("journal", "ended"),
    ]


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No brain answers here: nobody waits for it."""
    monkeypatch.setattr(ending, "WITHIN_S", 0.2)


def test_say_and_hangup(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the call is told is what a hand would have typed; that it was not obeyed is no success."""
    in_redis(valkey_url, lambda store: make_living_call(store, ONE))
    assert run("say", "CA1", "שלום", "--force").stdout == f"{ONE}: will be said\n"
    quick(monkeypatch)
    asked = run("hangup", "CA1", "--json")
    assert asked.exit_code == Exit.FAILED
    found = json.loads(asked.stdout)
    assert (found["call_sid"], found["done"]) == (ONE, False)
    assert found["what"].startswith("not hung up: brain-0 was asked")
    assert in_redis(valkey_url, messages) == [
        Say(text="שלום", force=True),
        HangUp(reason="operator", farewell=""),
    ]


def test_nobody_is_there_to_say_it(valkey_url: str) -> None:
    """What is told to a dead brain is said by nobody, and so it is told."""
    in_redis(valkey_url, lambda store: make_living_call(store, ONE, brain="brain-7@h#dead"))
    done = run("say", ONE, "hello")
    assert (done.exit_code, done.stdout) == (Exit.FAILED, "")
    assert done.stderr == f"trunkline: {ONE} not said: brain-7 is gone: nobody was there to be asked\n"
    assert Say(text="hello", force=False) not in in_redis(valkey_url, messages)  # type: ignore[operator]


def test_an_empty_text_is_not_said(valkey_url: str) -> None:
    """The command line is wrong."""
    in_redis(valkey_url, one_call)
    done = run("say", "CA1", "  ")
    assert done.exit_code == Exit.USAGE
    assert "expected a text to say" in done.stderr
    assert in_redis(valkey_url, messages) == []


def test_what_is_said_to_a_call_that_has_ended(valkey_url: str) -> None:
    """Not done, and so said."""
    in_redis(valkey_url, lambda store: make_call(store, TWO, 1_000, state="ended"))
    done = run("hangup", TWO)
    assert done.exit_code == Exit.FAILED
    assert done.stderr == f"trunkline: {TWO} has ended\n"


def test_a_ghost_is_listed_and_ended(valkey_url: str) -> None:
    """And the command says what it did."""

    async def ghost(store: Store) -> None:
        await make_call(store, ONE, 1_000, brain="brain-0@h#dead")
        await make_living_call(store, TWO)

    in_redis(valkey_url, ghost)
    (listed,) = json.loads(run("calls", "--ghosts", "--json").stdout)
    assert (listed["call_sid"], listed["ghost"], listed["verdict"]) == (ONE, True, "no owner")
    assert "a ghost: nobody has this call any more" in run("calls").stdout
    done = run("hangup", ONE)
    assert (done.exit_code, done.stderr) == (Exit.OK, "")
    assert done.stdout.startswith(f"{ONE}: ended (outcome operator), its place is free: brain-0 is gone")
    assert json.loads(run("calls", "--ghosts", "--json").stdout) == []
    (ended,) = json.loads(run("calls", "--ended", "--json").stdout)
    assert (ended["call_sid"], ended["outcome"]) == (ONE, "operator")


def test_calls_that_are_over_are_searched(valkey_url: str) -> None:
    """By time, by the end of a number, by outcome; newest first."""

    async def two_ended(store: Store) -> None:
        for sid, number, outcome in ((ONE, "…89", "apology"), (TWO, "…11", "completed")):
            await make_call(store, sid, wall_ms() - 60_000, **{"from": number})
            await steps.end(store, KEYS, sid, outcome=outcome, by="me")

    in_redis(valkey_url, two_ended)
    assert len(json.loads(run("calls", "--ended", "--since", "1h", "--json").stdout)) == 2
    shown = run("calls", "--ended", "--since", "1h", "--number", "…89").stdout
    assert ONE in shown
    assert TWO not in shown
    (found,) = json.loads(run("calls", "--ended", "--outcome", "completed", "--json").stdout)
    assert found["call_sid"] == TWO
    assert run("calls", "--ended", "--number", "42").stdout.strip() == "no ended call fits"
    assert "there are more" in run("calls", "--ended", "--limit", "1").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--ended", "--since", "yesterday"], "--since: expected a time such as 30m, 1h or 2d"),
        (["--number", "89"], "expected --ended with --since, --number or --outcome"),
        (["--ended", "--ghosts"], "expected --ended or --ghosts, got both"),
    ],
)
def test_a_question_that_is_none(words: list[str], expected: str) -> None:
    """The command line is wrong."""
    asked = run("calls", *words)
    assert asked.exit_code == Exit.USAGE
    assert expected in asked.stderr


def test_drain(valkey_url: str) -> None:
    """Rings the worker, and waits until it has no calls."""

    async def empty_worker(store: Store) -> None:
        await make_worker(store, BRAIN, calls=0, draining=True)

    in_redis(valkey_url, empty_worker)
    done = run("drain", "brain-0")
    assert (done.exit_code, done.stdout) == (Exit.OK, f"{BRAIN}: draining, 0 live calls\n")


def test_a_drain_that_is_not_waited_for(valkey_url: str) -> None:
    """`--timeout 0`: told, that is all."""
    in_redis(valkey_url, one_call)
    done = run("drain", "brain-0", "--timeout", "0", "--json")
    assert done.exit_code == Exit.OK
    assert json.loads(done.stdout) == {"worker": BRAIN, "calls": 1}


def test_a_worker_that_nobody_means(valkey_url: str) -> None:
    """Which there are is said."""
    in_redis(valkey_url, one_call)
    done = run("drain", "egress-0")
    assert done.exit_code == Exit.FAILED
    assert f"Workers are: {BRAIN}" in done.stderr


def test_a_worker_whose_beat_cannot_be_read_can_be_drained(valkey_url: str) -> None:
    """Its problem stands in place of its calls."""

    async def spoilt(store: Store) -> None:
        await one_call(store)
        await store.redis.hdel(KEYS.worker(BRAIN), "calls")

    in_redis(valkey_url, spoilt)
    done = run("drain", "brain-0", "--timeout", "0")
    assert done.exit_code == Exit.OK
    assert "expected a whole number in calls of Beat, got nothing" in done.stdout


def test_what_is_done_by_hand_is_written_down(valkey_url: str) -> None:
    """Who said something, took a worker out, hung up; never what was said."""
    in_redis(valkey_url, one_call)
    run("say", "CA1", "We close at six.")
    run("drain", "brain-0", "--timeout", "0")
    run("hangup", "CA1", "--force")

    deeds = in_redis(valkey_url, audit.newest)
    assert isinstance(deeds, list)
    assert [(each.deed, each.of) for each in reversed(deeds)] == [
        (Deed.SAY, ONE), (Deed.DRAIN, BRAIN), (Deed.HANG_UP, ONE),
    ]  # fmt: skip
    assert all(each.by.startswith("cli:") for each in deeds)
    assert "six" not in " ".join(each.words for each in deeds)
