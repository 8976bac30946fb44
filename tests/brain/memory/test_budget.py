"""What of a long past is told: what is shortened, what is left out, and that it is said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.memory.budget import LEAST_CHARS, ONE_SHARE, Told, shortened, within
from brain.model.engine import SeedItem


def said(text: str, item_id: str = "u") -> Told:
    return (SeedItem(kind="message", role="user", text=text, item_id=item_id),)


def tool(output: str, arguments: str = "{}", call_id: str = "c") -> Told:
    return (
        SeedItem(kind="tool_call", call_id=call_id, name="search", text=arguments),
        SeedItem(kind="tool_output", call_id=call_id, text=output),
    )


def test_a_past_that_fits_is_told_as_it_is() -> None:
    """Nothing is added to it."""
    past = [said("hello"), tool("found"), said("thanks")]

    assert within(past, 1_000) == (*past[0], *past[1], *past[2])


def test_a_long_call_keeps_its_beginning_and_its_end() -> None:
    """Who calls and why is at the beginning; and it is said how much is left out between."""
    past = [said(f"turn {number} {'x' * 90}", f"u{number}") for number in range(100)]
    told = within(past, 2_000)

    numbers = [item.text.split()[1] for item in told if item.role == "user"]
    assert numbers[:3] == ["0", "1", "2"]
    assert numbers[-1] == "99"
    (note,) = [item.text for item in told if item.role == "system"]
    assert note == f"[{100 - len(numbers)} turns of this call are left out here.]"


def test_an_output_too_long_keeps_both_ends() -> None:
    """And says how much is missing."""
    (_, output) = within([tool(f"begin{'x' * 50_000}end")], 6_000)

    assert len(output.text) <= 6_000 * ONE_SHARE
    assert output.text.startswith("begin")
    assert output.text.endswith("end")
    assert "characters left out" in output.text


def test_many_tools_leave_two_thirds_to_what_was_said() -> None:
    """The oldest results go first, and that is said."""
    past = [said("My name is Ada.")]
    past += [tool("y" * 900, call_id=f"c{number}") for number in range(50)]
    told = within(past, 6_000)

    assert told[0].text == f"[The results of {50 - 3} earlier tools of this call are left out.]"
    assert told[1].text == "My name is Ada."
    assert told[-1].call_id == "c49"


def test_arguments_stay_json() -> None:
    """Half of them would be none."""
    (call, _) = within([tool("found", arguments='{"text": "' + "z" * 5_000 + '"}')], 6_000)

    assert call.text == '{"left_out": "5,012 characters"}'


def test_a_text_is_shortened_to_what_it_may_take() -> None:
    """Where it fits it stays."""
    assert shortened("abc", 3) == "abc"
    assert len(shortened("a" * 1_000, 200)) <= 200


messages = st.text(min_size=1, max_size=300).map(said)
tools = st.text(max_size=3_000).map(tool)


@given(st.lists(st.one_of(messages, tools), max_size=60), st.integers(400, 4_000))
def test_a_seed_is_bounded_and_no_output_is_without_its_call(past: list[Told], max_chars: int) -> None:
    """Whatever was said and done; what is said last is always there."""
    told = within(past, max_chars)

    assert sum(len(item.text) for item in told) <= max_chars + 3 * LEAST_CHARS
    kinds = [item.kind for item in told]
    for at, kind in enumerate(kinds):
        assert kind != "tool_output" or kinds[at - 1] == "tool_call"
    spoken = [item.text for item in told if item.role == "user"]
    if past and past[-1][0].kind == "message" and len(past[-1][0].text) <= max_chars * ONE_SHARE:
        assert spoken[-1] == past[-1][0].text
