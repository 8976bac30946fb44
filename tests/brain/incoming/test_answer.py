"""What an answer says of a call: in its bounds, or nothing at all."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.errors import AnswerError
from brain.incoming.answer import MOST_BYTES, NOTHING, Context, known, read_answer
from brain.variables import MOST_CHARS, MOST_CHARS_OF_ALL, MOST_VALUES, is_name

WHOLE = {
    "agent": "sales",
    "variables": {"name": "Ann", "orders": 3, "balance": 1.5, "is_new": False, "note": None},
    "language": "he",
    "limits": {"hard_cap_s": 90, "idle_prompts": 0},
    "refuse": "",
    "something_else": [1, 2],
}


def test_an_answer_is_what_it_says() -> None:
    """Numbers and truths are words; what is not known is no value; keys of later versions are passed over."""
    found = read_answer(orjson.dumps(WHOLE))

    assert found == Context(
        agent="sales",
        variables={"name": "Ann", "orders": "3", "balance": "1.5", "is_new": "false"},
        language="he",
        limits={"hard_cap_s": 90.0, "idle_prompts": 0},
    )


@pytest.mark.parametrize("body", ["", " \n", "{}", '{"variables": null, "agent": "", "limits": null}'])
def test_an_answer_may_say_nothing(body: str) -> None:
    """As 204 does."""
    assert read_answer(body) == NOTHING


def test_a_language_may_be_taken_away() -> None:
    """The transcriber listens for itself then; that is another thing than saying nothing of it."""
    assert read_answer('{"language": ""}').language == ""
    assert read_answer("{}").language is None


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("x" * (MOST_BYTES + 1), f"expected at most {MOST_BYTES} bytes"),
        ("{", "expected JSON"),
        ("[" * 60_000, "expected JSON"),
        (nested(10_000), "expected JSON"),
        ("[]", "expected a JSON object"),
        ("null", "expected a JSON object"),
        ('{"agent": 7}', "agent: expected the name of an agent"),
        ('{"agent": "a b"}', "agent: expected the name of an agent"),
        ('{"agent": "sales\\n"}', "agent: expected the name of an agent"),
        ('{"language": "english"}', "language: expected a language such as he or en-US"),
        ('{"language": true}', "language: expected a language such as he or en-US"),
        ('{"refuse": true}', "refuse: expected words for the caller"),
        ('{"refuse": "  "}', "refuse: expected words for the caller"),
        (orjson.dumps({"refuse": "x" * 1_001}).decode(), "refuse: expected words for the caller"),
        ('{"variables": []}', "variables: expected an object"),
        ('{"variables": {"a": 1, "b": {}}}', "variable 2: expected a text, a number, true or false"),
        ('{"variables": {"a": [1]}}', "variable 1: expected a text, a number, true or false"),
        ('{"variables": {"a": 1e400}}', ""),
        ('{"variables": {"a-b": "x"}}', "variable 1: expected a name of letters, digits and _, 64 at most"),
        ('{"variables": {"": "x"}}', "variable 1: expected a name of letters, digits and _, 64 at most"),
        (orjson.dumps({"variables": {"a": "x" * (MOST_CHARS + 1)}}).decode(),
         f"variable 1: expected at most {MOST_CHARS} characters"),
        (orjson.dumps({"variables": {f"a{n}": "" for n in range(MOST_VALUES + 1)}}).decode(),
         f"expected at most {MOST_VALUES} variables"),
        (orjson.dumps({"variables": {f"a{n}": "x" * 1_999 for n in range(9)}}).decode(),
         f"expected at most {MOST_CHARS_OF_ALL} characters of all variables"),
        ('{"limits": 5}', "limits: expected an object"),
        ('{"limits": {"hard_cap_s": "90"}}', "limits.hard_cap_s: expected some of hard_cap_s, idle_prompt_s"),
        ('{"limits": {"hard_cap_s": -1}}', "limits.hard_cap_s: expected some of"),
        ('{"limits": {"tool_s": 0}}', "limits.tool_s: expected some of"),
        ('{"limits": {"Ann": 1}}', "limits: expected some of"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_meant_is_none(body: str, said: str) -> None:
    """What is wrong is told without a value or a name: either may be a person's."""
    with pytest.raises(AnswerError) as caught:
        read_answer(body)

    assert str(caught.value).startswith(said)
    assert "Ann" not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from([*WHOLE, "x"]), JSON) | JSON, st.text(max_size=3))
def test_whatever_comes_is_a_context_in_its_bounds_or_none(answer: object, rest: str) -> None:
    """And nothing else is ever raised."""
    try:
        found = read_answer(orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS) + rest.encode())
    except (AnswerError, orjson.JSONEncodeError):
        return

    assert all(is_name(name) for name in found.variables)
    assert sum(map(len, found.variables.values())) <= MOST_CHARS_OF_ALL
    assert read_answer(found.dump()) == found


def test_parameters_of_the_number_stand_behind_an_answer() -> None:
    """It says a name better; a name that can be none, and what there is no room for, is left out."""
    limits = {"hard_cap_s": 9.0}
    said = Context(agent="a", variables={"name": "Ann"}, language="he", limits=limits, refusal="No.")

    found = said.beside({"name": "Bob", "X-Order": "7", "9th": "x", "": "x", "long": "x" * 2_001})

    assert found.variables == {"name": "Ann", "X_Order": "7", "_9th": "x"}
    assert (found.language, found.limits, found.agent, found.refusal) == ("he", limits, "a", "No.")


def test_what_stands_on_the_card_is_known_again() -> None:
    """And what a hand has written there does no harm."""
    said = read_answer(orjson.dumps({**WHOLE, "refuse": "No."}))

    assert known(said.dump()) == said
    assert known(None) is None
    assert known("what?") is NOTHING


def test_nothing_of_a_person_is_in_what_is_shown() -> None:
    """A traceback may end in a log."""
    assert "Ann" not in repr(Context(variables={"name": "Ann"}, refusal="Not you, Ann."))
