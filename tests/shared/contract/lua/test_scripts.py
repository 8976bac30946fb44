"""The scripts: their hashes are Redis's, and each takes as many keys and arguments as it is given."""

from __future__ import annotations

import re
from hashlib import sha1
from pathlib import Path

import pytest

from shared.contract import claiming, steps, writes
from shared.contract.admission import count
from shared.contract.admission.count import CallerBounds, OnTheLine
from shared.contract.card import CutRaised
from shared.contract.keys import ADMITTED, Keys
from shared.contract.lua import scripts
from shared.contract.lua.scripts import Answer, Script, ScriptCall, read_answer
from shared.contract.steps import Deadline, Held, Leg, NewStream, Restored
from shared.contract.streams.control import Say
from shared.contract.streams.hooks import Hook
from shared.contract.streams.reply import ReplyEntry, ReplyKind
from shared.contract.writes import CallerMove, Speaker
from shared.ownership import tidying

KEYS = Keys(4)
CALL = "CA" + "0" * 31 + "1"
OWNER = Speaker(CALL, "brain", "brain-0@h#1", 3)
STREAM = NewStream(
    call_sid=CALL, stream_sid="MZ1", ingress="i", nonce="n", caller_number="", called_number="", agent=""
)  # fmt: skip
LEG = Leg(CALL, 1, "MZ1", 60)
RESTORED = Restored(
    stream=STREAM, leg=1, brain=Held("", 1), egress=Held("", 1), cut=0, last_frame=0, started_at_ms=1,
    resumes=0,
)  # fmt: skip
HOOK = Hook(event="call.started", call_sid=CALL, event_id="e", at_ms=1, attempt=0, due_ms=1)

CALLS: list[ScriptCall] = [
    steps.reserve(KEYS, CALL, wall_ms=1, nonce="n", expires_at_ms=4),
    steps.expect(KEYS, CALL, worker="w", entry="1-1"),
    steps.attach(KEYS, STREAM, wall_ms=1, max_resumes=2),
    steps.detach(KEYS, LEG, ingress="i", cause="lost", wall_ms=1, deadlines={"": Deadline(1, "lost")}),
    claiming.claim(KEYS, CALL, role="brain", worker="w", wall_ms=1),
    claiming.release(KEYS, CALL, role="brain", worker="w", epoch=1, wall_ms=1),
    claiming.disown(KEYS, KEYS.lane(CALL), role="brain", dead="w", by="v", wall_ms=1),
    steps.defer(KEYS, LEG, Deadline(2, "x")),
    steps.due(KEYS, KEYS.lane(CALL)),
    steps.end(KEYS, CALL, outcome="x", by="w", wall_ms=1),
    steps.restore(KEYS, RESTORED, wall_ms=1),
    writes.append_reply(KEYS, OWNER, ReplyEntry(ReplyKind.AUDIO, 3, 0, "r", "i", 0, 1.0, b"x"), wake=True),
    writes.append_control(KEYS, OWNER, Say(text="x", force=False), sender="w", number="1", wake=""),
    writes.write_card(KEYS, OWNER, CutRaised(cut=1)),
    writes.trim_reply(KEYS, OWNER, "1-1"),
    writes.move_callers(
        KEYS.lane(CALL),
        "w",
        [CallerMove(writes.caller_keys(KEYS, CALL), 3, "1-1", b"x", keep_from="1-0")] * 2,
    ),
    writes.write_leg(KEYS, LEG, CutRaised(cut=1)),
    writes.hook_again(KEYS, HOOK, entry_id="1-1", courier="w"),
    tidying.lease(KEYS, KEYS.lane(CALL), worker="w"),
    tidying.condemn(
        KEYS,
        CALL,
        by="w",
        state="attached",
        leg="1",
        stream_sid="MZ1",
        ingress="i",
        outcome="x",
        why="y",
        wall_ms=1,
    ),
    tidying.offer(KEYS, CALL, by="w", role="brain", wall_ms=1),
    tidying.relist(KEYS, KEYS.lane(CALL), by="w", worker="v", named=[CALL]),
    tidying.free(KEYS, KEYS.lane(CALL), CALL, by="w"),
    tidying.dismiss(
        KEYS, KEYS.lane(CALL), KEYS.calls(KEYS.lane(CALL)), by="w", group="brain", consumer="c", idle_ms=1
    ),
    steps.rescue(KEYS, Leg(CALL, 1, "MZ1"), worker="i", lease_ms=1, wall_ms=1),
]

OF_ALL_CALLS: list[ScriptCall] = [
    count.admit(CALL, most=2, caller="c", bounds=CallerBounds(calls=3)),
    count.admit_again(CALL),
    count.hold([OnTheLine(CALL, "c"), OnTheLine(CALL)]),
    count.vacate([(CALL, 1.0)]),
    count.dials(CALL, caller="c", which=1, most=2),
    count.lease("w"),
]
"""Of the count of all calls, which is of no lane."""

EVERY = [*CALLS, *OF_ALL_CALLS]


def places(script: Script, name: str) -> int:
    """The highest place of KEYS or ARGV that a script names."""
    code = "\n".join(line for line in script.text.splitlines() if not line.startswith("--"))
    return max((int(number) for number in re.findall(rf"{name}\[(\d+)\]", code)), default=0)


def ids(call: ScriptCall) -> str:
    """For the output of a failing test."""
    return f"{call.script.name}-{call.args[1]!s:.8}-{len(call.args)}"


@pytest.mark.parametrize("call", CALLS, ids=ids)
def test_a_script_gets_the_keys_that_it_names(call: ScriptCall) -> None:
    """All of the call's lane: a Cluster refuses what is in two slots. One that serves many calls takes three
    of each."""
    serves_many = "#KEYS / 3 do" in call.script.text
    assert len(call.keys) == (6 if serves_many else places(call.script, "KEYS"))
    assert call.lane == KEYS.lane(CALL)
    assert {key.split("}")[0] for key in call.keys} == {f"tl:{{{call.lane}}}".rstrip("}")}


@pytest.mark.parametrize("call", OF_ALL_CALLS, ids=ids)
def test_what_is_of_no_lane_is_of_one_slot(call: ScriptCall) -> None:
    """Of the same one, whatever the call and the caller: what stands beside the count is there too."""
    assert len(call.keys) == places(call.script, "KEYS")
    assert call.lane == ADMITTED.encode()
    assert {key[: len(ADMITTED)] for key in call.keys} == {ADMITTED}


@pytest.mark.parametrize("call", EVERY, ids=ids)
def test_a_script_gets_the_arguments_that_it_names(call: ScriptCall) -> None:
    """As many as it names, or more where it unpacks the rest or serves many calls."""
    named, takes_more = places(call.script, "ARGV"), "unpack(ARGV" in call.script.text
    takes_more = takes_more or "#KEYS / 3 do" in call.script.text
    takes_more = takes_more or bool(re.search(r"#ARGV(, \d)? do", call.script.text))
    assert len(call.args) >= named
    assert takes_more or len(call.args) == named


def test_every_script_has_a_typed_function() -> None:
    """None is called by hand."""
    assert {call.script for call in EVERY} == set(scripts.ALL)


def test_hashes_are_those_of_redis() -> None:
    """Of the file's bytes; each file is loaded, each with its header."""
    files = {path.stem for path in Path(scripts.__file__).parent.glob("*.lua")}
    assert {script.name for script in scripts.ALL} == files
    for script in scripts.ALL:
        assert script.sha == sha1(script.text.encode(), usedforsecurity=False).hexdigest()
        assert script.text.startswith(f"-- {script.name.upper()}: ")


def test_a_call_is_a_command() -> None:
    """For the outbox: by hash, with the number of its keys, all bytes."""
    command = writes.write_card(KEYS, OWNER, CutRaised(cut=1)).command()
    assert command.tag == KEYS.lane(CALL)
    assert command.args[:3] == (b"EVALSHA", scripts.TRIM.sha.encode(), b"2")
    assert all(isinstance(word, bytes) for word in command.args)


def test_an_answer_is_split_from_what_follows() -> None:
    """And what is no answer is refused."""
    assert read_answer([b"FENCED", b"brain-1@h#1"]) == (Answer.FENCED, [b"brain-1@h#1"])
    for reply in (None, [], b"OK", [1], [b"NONSENSE"]):
        with pytest.raises(ValueError, match=r"expected|not a valid"):
            read_answer(reply)
