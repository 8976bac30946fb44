"""docs/agents.md and docs/webhooks.md say what the code does: keys, outputs, snippets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brain import agents_file, builtin_tools
from brain.agents_file import AgentsFileError
from brain.signing import signed_headers
from shared.clock import wall_ms
from shared.settings import Settings

DOCS = Path(__file__).parent.parent / "docs"
AGENTS, WEBHOOKS = ((DOCS / name).read_text("utf-8") for name in ("agents.md", "webhooks.md"))
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
    ],
)
def test_every_key_of_the_file_is_explained(table: type[agents_file._Table]) -> None:
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
    names = [name for name in Settings.model_fields if name.startswith("webhook_")]
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
