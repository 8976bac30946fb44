"""What agents can do: tools and servers made of their tables, with their secrets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brain.agents.agent import default_agent
from brain.agents.file import parse
from brain.agents.offered import BUILT_IN, Secrets, make_servers, make_toolbox, make_tools, texts_of
from brain.errors import AgentsFileError
from brain.tools.http import HttpPool, HttpTool
from shared.settings import load

TABLES = parse(
    """
[tools.look_up]
url = "https://shop.example/{{customer}}"
method = "GET"
description = "Of {{name}}."
headers = { X-Shop = "{{shop}}" }
headers_env = { Authorization = "SHOP_TOKEN" }
[mcp.docs]
server_url = "https://docs.example"
allowed_tools = ["find"]
authorization_env = "SHOP_TOKEN"
""",
    BUILT_IN,
)


def test_an_http_tool_is_what_its_table_says() -> None:
    """Its secrets are from the environment, and do not show."""
    (tool,) = make_tools(TABLES, Secrets({"SHOP_TOKEN": "Bearer hunter2"}), HttpPool()).values()

    assert isinstance(tool, HttpTool)
    assert (tool.method, tool.headers) == ("GET", {"X-Shop": "{{shop}}"})
    assert tool.hidden_headers == {"Authorization": "Bearer hunter2"}
    assert "hunter2" not in repr(tool)


def test_a_server_is_what_its_table_says() -> None:
    """As it stands in a session."""
    assert make_servers(TABLES, Secrets({"SHOP_TOKEN": "hunter2"})) == {
        "docs": {
            "type": "mcp", "server_label": "docs", "server_url": "https://docs.example",
            "require_approval": "never", "allowed_tools": ["find"], "authorization": "hunter2",
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "expected SHOP_TOKEN in the environment or in .env, got nothing: set it"),
        ("a\nb", "SHOP_TOKEN: expected a line of printable ASCII: correct it"),
    ],
)
def test_a_secret_that_no_header_can_carry_is_named_by_its_variable(secret: str, said: str) -> None:
    """At the reading of the file: a call would fail in the same way each time."""
    with pytest.raises(AgentsFileError) as caught:
        make_tools(TABLES, Secrets({"SHOP_TOKEN": secret}), HttpPool())

    assert caught.value.problems == [f"tools.look_up.headers_env.Authorization: {said}"]


def test_the_texts_of_a_tool_in_which_variables_stand() -> None:
    """By the keys that an operator reads."""
    agent = replace(default_agent(load(env_file=None)), tools=("look_up", "end_call"))

    assert texts_of(agent, TABLES) == {
        "tools.look_up.description": "Of {{name}}.",
        "tools.look_up.url": "https://shop.example/{{customer}}",
        "tools.look_up.headers.X-Shop": "{{shop}}",
    }


def test_nobody_hands_over_to_themselves() -> None:
    """`[default]` may name all of them for everybody."""
    to = {"sales": "Prices.", "desk": "All else."}
    agent = replace(default_agent(load(env_file=None)), name="sales", tools=("hand_over",), hand_over_to=to)

    (definition,) = make_toolbox(agent, {}).definitions()

    assert definition["name"] == "hand_over"
    assert "desk" in str(definition["parameters"])
    assert "sales" not in str(definition)


def test_who_has_nobody_else_has_no_such_tool() -> None:
    """A tool that can only fail would be called."""
    default, nobody = default_agent(load(env_file=None)), {"sales": "Prices."}
    agent = replace(default, name="sales", tools=("hand_over", "end_call"), hand_over_to=nobody)

    assert [each["name"] for each in make_toolbox(agent, {}).definitions()] == ["end_call"]
