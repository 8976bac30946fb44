"""docs/agents.md, docs/webhooks.md and docs/engines.md say what the code does: keys, outputs, figures."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import httpx
import pytest

from brain.agents import check as brain_check
from brain.agents import file as agents_file
from brain.agents import keys as agents_keys
from brain.call.call import SEED_MAX_CHARS
from brain.errors import AgentsFileError
from brain.incoming.answer import MOST_BYTES, MOST_REFUSAL_CHARS, read_answer
from brain.incoming.asking import IncomingCall
from brain.model import lifeline
from brain.model.engine import Engine
from brain.model.lifeline import Again, Lifeline
from brain.model.realtime import connection
from brain.model.realtime import socket as realtime_engine
from brain.signing import signed_headers
from brain.tools import builtin as builtin_tools
from brain.tools.http import HttpPool, HttpTool
from brain.tools.toolbox import ToolContext
from brain.variables import MOST_CHARS, MOST_CHARS_OF_ALL, MOST_VALUES
from brain.webhooks import courier
from brain.webhooks import events as hooks
from brain.webhooks.events import Story, compose, with_number
from shared.clock import wall_ms
from shared.contract import record
from shared.contract.bill.usage import dump, used
from shared.contract.card import counters
from shared.contract.streams import hooks as hook_stream
from shared.contract.streams.history import HistoryEntry, ItemEntry, ItemHeard, ToolEntry, ToolState
from shared.contract.streams.hooks import Hook
from shared.contract.views import StoryView
from shared.setting.forms import WEBHOOK_EVENTS
from shared.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
AGENTS, WEBHOOKS, ENGINES = (
    (DOCS / name).read_text("utf-8") for name in ("agents.md", "webhooks.md", "engines.md")
)
BUILT_IN = (*builtin_tools.NAMES, "check_order")


def blocks(page: str, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    return [text for name, text in fenced if name == language]


@pytest.mark.parametrize(
    "table",
    [
        agents_file.AgentTable,
        agents_file.ToolTable,
        agents_file.McpTable,
        agents_file.LimitsTable,
        agents_file.TurnDetectionTable,
        agents_keys.ConfirmTable,
        agents_keys.LoopTable,
        agents_keys.AnnouncementTable,
        agents_keys.NoticeTable,
        agents_keys.PromptTable,
        agents_keys.RecordingTable,
        agents_keys.TruncationTable,
    ],
)
def test_every_key_of_the_file_is_explained(table: type[agents_keys.Table]) -> None:
    """A key that is not in the reference does not exist for its user."""
    assert [name for name in table.model_fields if f"`{name}`" not in AGENTS] == []


def test_the_example_of_the_page_is_a_good_file() -> None:
    """It can be copied."""
    example = next(block for block in blocks(AGENTS, "toml") if "[agents.sales]" in block)
    assert set(agents_file.parse(example, BUILT_IN).agents) == {"sales", "service_he"}


def test_the_broken_files_of_the_page_are_explained_as_it_shows() -> None:
    """Word for word."""
    shown = [block for block in blocks(AGENTS, "") if block.startswith("broken.toml: ")]
    broken = [block for block in blocks(AGENTS, "toml") if '"end_cal"' in block]
    assert len(shown) == len(broken) == 2
    for text, output in zip(broken, shown, strict=True):
        with pytest.raises(AgentsFileError) as refused:
            agents_file.parse(text, BUILT_IN)
        assert [f"broken.toml: {problem}" for problem in refused.value.problems] == output.splitlines()[:-1]


def test_every_setting_of_webhooks_is_explained() -> None:
    """By the name in the environment."""
    names = [name for name in Settings.model_fields if name.startswith(("webhook_", "incoming_"))]
    assert names
    assert [name for name in names if f"`TRUNKLINE_{name.upper()}`" not in WEBHOOKS] == []


def test_the_verification_of_the_page_works() -> None:
    """A receiver that copies it takes our requests, and no other."""
    (snippet,) = blocks(WEBHOOKS, "python")
    scope: dict[str, object] = {}
    exec(snippet, scope)
    is_ours = scope["is_ours"]
    assert callable(is_ours)
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"type":"call.started"}'
    headers = signed_headers(secret, "CA1-started", wall_ms() // 1000, body)

    assert is_ours(secret, headers, body)
    assert not is_ours(secret, headers, body + b" ")
    assert not is_ours("another", headers, body)
    assert not is_ours(secret, signed_headers(secret, "CA1-started", 1_000_000_000, body), body)


def test_every_whole_file_of_the_page_is_a_good_one() -> None:
    """Every toml block outside the section of broken files."""
    section = AGENTS[AGENTS.index("## A broken file") : AGENTS.index("## `[default]`")]
    broken = blocks(section, "toml")
    good = [block for block in blocks(AGENTS, "toml") if block not in broken]
    assert len(good) >= 3
    assert [agents_file.parse(block, BUILT_IN) for block in good]


@pytest.fixture
def check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str, str], tuple[int, str]]:
    """`trunkline agents check NAME` on a file with this text: exit code and output, 100 columns wide."""
    for name in [name for name in os.environ if name.startswith("TRUNKLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")

    def run(name: str, text: str) -> tuple[int, str]:
        (tmp_path / name).write_text(text, "utf-8")
        monkeypatch.setattr(sys, "argv", ["brain.agents.check", name])
        code = brain_check.main()
        return code, capsys.readouterr().out

    return run


def test_the_check_says_of_the_example_what_the_page_shows(
    check: Callable[[str, str], tuple[int, str]],
) -> None:
    """The table, line for line."""
    example = next(block for block in blocks(AGENTS, "toml") if "[agents.sales]" in block)
    (shown,) = [block for block in blocks(AGENTS, "") if "┏" in block]
    assert check("agents.toml", example) == (0, shown)


def test_the_check_says_of_the_broken_files_what_the_page_shows(
    check: Callable[[str, str], tuple[int, str]],
) -> None:
    """With the last line, and code 3."""
    shown = [block for block in blocks(AGENTS, "") if block.startswith("broken.toml: ")]
    broken = [block for block in blocks(AGENTS, "toml") if '"end_cal"' in block]
    assert [check("broken.toml", text) for text in broken] == [(3, output) for output in shown]


async def test_the_request_of_an_http_tool_is_the_one_that_is_shown() -> None:
    """Word for word; what is known of the call stands beside it, if there is anything."""
    shown = next(json.loads(block) for block in blocks(AGENTS, "json") if '"arguments"' in block)
    asked: list[dict[str, object]] = []

    def take(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content))
        return httpx.Response(200)

    pool = HttpPool(httpx.MockTransport(take))
    made = HttpTool(name=shown["tool"], description="", url="https://shop.example", parameters={}, pool=pool)
    call = {name: value for name, value in shown["call"].items() if name != "call_id"}
    for variables in ({}, {"shop": "berlin"}):
        context = ToolContext(**call, variables=variables)
        await made.run(json.dumps(shown["arguments"]), context, shown["call"]["call_id"])

    assert asked == [shown, {**shown, "variables": {"shop": "berlin"}}]


def test_the_example_of_the_page_is_the_one_that_is_printed() -> None:
    """But for its comments."""
    printed = resources.files("brain.agents").joinpath("agents.example.toml").read_text("utf-8")
    example = next(block for block in blocks(AGENTS, "toml") if "[agents.sales]" in block)
    assert tomllib.loads(example) == tomllib.loads(printed)


def test_the_bounds_of_limits_are_those_of_the_schema() -> None:
    """`a to b`, or `above a to b`."""
    for name, schema in agents_file.LimitsTable.model_json_schema()["properties"].items():
        bounds = schema["anyOf"][0]
        low = f"above {bounds['exclusiveMinimum']}" if "exclusiveMinimum" in bounds else bounds["minimum"]
        assert f"| `{name}` | {low} to {bounds['maximum']} |" in AGENTS


def test_every_event_has_a_body_and_it_is_the_one_that_is_sent() -> None:
    """Made by the courier's own function of one card and one history."""
    card = {
        "agent": "sales", "from": "…89", "to": "…22", "called": "+15550002222", "outcome": "completed",
        "cause": "", "started_at_ms": "1767607200000", "ended_at_ms": "1767607450000", "resumes": "0",
        "leg": "1", "n_caller_frames": "12400", "cost_micros": "41250",
        "usage": dump([used("gpt-realtime-2.1", requests=4, audio_in=500, audio_cached=320, audio_out=400)]),
    }  # fmt: skip
    history: list[HistoryEntry] = [
        ItemEntry(item_id="u", role="user", text="שלום", final=True),
        ItemEntry(item_id="a", role="assistant", text="one two three four", final=True, agent="sales"),
        ItemHeard(item_id="a", ms=500, of_ms=1000, complete=True),
        ToolEntry(call_id="call_1", name="stock", state=ToolState.RESULT, value="{}", agent="sales"),
    ]
    story = Story(record.read(StoryView, card), counters(card))
    turn = {
        "number": 2, "interrupted": True, "tools": [{"tool": "stock", "call_id": "call_1", "ms": 340}],
        "caller_items": ["u"], "answer_items": ["a"], "began_at_ms": 1767607230000,
        "stopped_at_ms": 1767607232000, "answered_at_ms": 1767607232900, "ended_at_ms": 1767607238000,
    }  # fmt: skip
    details = {
        "tool.failed": '{"tool":"stock","call_id":"call_1","outcome":"timed_out"}',
        "turn.ended": json.dumps({"turn": turn}),
        "transfer.ended": '{"status":"busy"}',
        "agent.changed": '{"agent":"service_he","was":"sales"}',
        "call.recorded": json.dumps({
            "file": "CA….wav", "seconds": 246.5, "sha256": "9f86d081884c7d65…",
            "channels": ["caller as received", "heard by the caller"],
            "silences": [{"at_ms": 61000, "ms": 14000, "why": "paused"}],
        }),
    }  # fmt: skip
    at_ms = {
        "call.started": 120, "tool.failed": 30_000, "call.ended": 250_000, "turn.ended": 40_000,
        "transfer.started": 60_000, "transfer.ended": 80_000, "agent.changed": 90_000,
        "call.recorded": 256_000,
    }  # fmt: skip
    shown = {body["type"]: body for body in map(json.loads, blocks(WEBHOOKS, "json"))}
    assert set(shown) == WEBHOOK_EVENTS
    for kind, body in shown.items():
        at = 1767607200000 + at_ms[kind]
        hook = Hook(
            event=kind, call_sid="CA…", event_id="id", at_ms=at, attempt=0, due_ms=at,
            details=details.get(kind, ""),
        )  # fmt: skip
        assert json.loads(with_number(compose(hook, story, history), "+15550006789")) == body


def test_the_request_before_the_greeting_is_the_one_that_is_sent() -> None:
    """And each answer of the page can be meant; the bounds are the code's."""
    request, *answers = blocks(WEBHOOKS, "jsonc")
    call = IncomingCall(
        call_sid="CA…", caller="+15550006789", called="+15550002222", agent="sales",
        parameters={"shop": "berlin", "x-order": "4217"},
    )  # fmt: skip

    assert json.loads(request) == json.loads(call.body(1767607199800))
    assert [bool(read_answer(text).refusal) for text in answers] == [False, True]
    assert read_answer(answers[0]).variables == {"name": "Ada Lovelace", "open_orders": "2"}
    for bound in (MOST_VALUES, MOST_CHARS, MOST_CHARS_OF_ALL, MOST_REFUSAL_CHARS):
        assert f"{bound:,}" in WEBHOOKS
    assert f"{MOST_BYTES // 1024} KiB" in WEBHOOKS
    assert f"{Settings.model_fields['incoming_within_s'].default:g} s by default" in WEBHOOKS


def test_the_defaults_of_webhooks_are_those_of_the_code() -> None:
    """Whether what was said leaves the system must not be wrong on the page."""
    is_told = "on" if Settings.model_fields["webhook_transcript"].default else "off"
    row = next(line for line in WEBHOOKS.splitlines() if line.startswith("| `TRUNKLINE_WEBHOOK_TRANSCRIPT`"))
    assert f"{is_told} by default" in row


def test_the_figures_of_delivery_are_those_of_the_code() -> None:
    """Time limit, pauses, end, bound, take-over."""
    delivery = WEBHOOKS[WEBHOOKS.index("## Delivery") :]
    for figure in (
        f"within {courier.TIMEOUT_S:g} s",
        f"after about {hooks.FIRST_PAUSE_MS / 1000:g} s",
        f"up to {hooks.LONGEST_PAUSE_MS / 60_000:g} min",
        f"for {hooks.GIVE_UP_AFTER_MS / 3_600_000:g} h",
        f"{hook_stream.MAXLEN:,} events",
        f"after {courier.ABANDONED_MS / 1000:g} s",
    ):
        assert figure in delivery


def test_the_figures_of_sessions_are_those_of_the_code() -> None:
    """And every method of an engine is named."""
    life = Lifeline()
    life.begin(0.0)
    pauses, now_ms = [], 0.0
    while isinstance(verdict := life.refused("x", False, now_ms), Again):
        pauses.append(f"{verdict.after_ms / 1000:g} s")
        now_ms += verdict.after_ms
    for figure in (
        f"again after {', '.join(pauses[:3])}, then every {pauses[3]}",
        f"later than {lifeline.OUTAGE_MS / 1000:g} s after that",
        f"another one beside it after {lifeline.BESIDE_AFTER_MS / 1000:g} s",
        f"then every {lifeline.BESIDE_AGAIN_MS / 1000:g} s",
        f"at most {lifeline.MAX_ATTEMPTS} side by side",
        f"every {connection.PING_EVERY_S:g} s",
        f"unanswered for {connection.PONG_WITHIN_S:g} s",
        f"{lifeline.ROLL_BEFORE_MS / 60_000:g} min before the limit",
        f"{lifeline.FORCE_BEFORE_MS / 1000:g} s before the limit",
        f"({realtime_engine.CONNECT_WITHIN_S:g} s, then {realtime_engine.CONFIRM_WITHIN_S:g} s)",
        f"bounded ({realtime_engine.SEED_WITHIN_S:g} s)",
        f"{realtime_engine.MAX_QUEUED_APPENDS} pieces",
        f"A seed has {SEED_MAX_CHARS:,} characters",
    ):
        assert figure in ENGINES
    methods = [name for name in vars(Engine) if not name.startswith("_")]
    assert methods
    assert [name for name in methods if not re.search(rf"`{name}\b", ENGINES)] == []
