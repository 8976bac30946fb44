"""Keys of `trunkline top`: what they change and what they ask for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.top.state import (
    MAX_FILTER,
    ORDERS,
    Act,
    Drain,
    EndCall,
    Quit,
    Snapshot,
    TopState,
    press,
    settle,
    shown_calls,
    shown_workers,
)
from tests.support.top_samples import (
    call,
    silent_worker,
    snapshot,
    unreadable_call,
    unreadable_worker,
    worker,
)

THREE = snapshot(call(1), call(2, verdict="model_slow"), call(3, caller_q=90, agent="הזמנות"))


MOST_SCROLL = 30
"""Journal lines that do not fit."""


def after(keys: list[str], data: Snapshot = THREE) -> tuple[TopState, list[Act]]:
    """The state after keys, from the first screen on, and all acts."""
    state = settle(TopState(), data)
    acts = []
    for key in keys:
        state, act = press(state, key, data, MOST_SCROLL)
        if act is not None:
            acts.append(act)
    return state, acts


def selected(state: TopState) -> int:
    """The number of the selected call."""
    return int(state.call_sid[2:], 16)


def test_the_oldest_call_is_first_and_selected() -> None:
    """By age, until another order is asked for."""
    state, _ = after([])
    assert [int(each.call_sid[2:], 16) for each in shown_calls(state, THREE)] == [3, 2, 1]
    assert selected(state) == 3


def test_arrows_and_letters_move_and_stop_at_the_ends() -> None:
    """No wrapping: an operator holds the key down."""
    assert selected(after(["down"])[0]) == 2
    assert selected(after(["j", "j", "j", "j"])[0]) == 1
    assert selected(after(["end", "k"])[0]) == 2
    assert selected(after(["j", "g"])[0]) == 3


def test_the_selection_stays_on_the_call_when_the_order_changes() -> None:
    """It is kept by name: `h` must mean the call that one looks at."""
    state, _ = after(["down", "s"])
    assert ORDERS[state.sort].name == "verdict"
    assert selected(state) == 2
    assert shown_calls(state, THREE)[0].call_sid == state.call_sid


def test_sorting_goes_around() -> None:
    """After the last order comes the first."""
    assert after(["s"] * len(ORDERS))[0].sort == 0


def test_a_call_that_ends_gives_the_selection_away() -> None:
    """To the first that is there."""
    state, _ = after(["down"])
    state = settle(state, snapshot(call(1), call(3)))
    assert selected(state) == 3
    assert settle(state, snapshot()).call_sid == ""


def test_hanging_up_asks_first() -> None:
    """Only y does it, for the call that was selected then."""
    state, acts = after(["j", "h"])
    assert state.asked == EndCall(state.call_sid)
    assert acts == []
    assert after(["j", "h", "y"])[1] == [EndCall(state.call_sid)]
    assert after(["j", "h", "n"])[1] == []
    assert after(["j", "h", "j", "escape"])[1] == []


def test_a_question_stands_while_the_list_changes() -> None:
    """A new snapshot does not move it to another call."""
    state, _ = after(["h"])
    asked = state.asked
    state = settle(state, snapshot(call(1)))
    state, act = press(state, "y", snapshot(call(1)))
    assert act == asked == EndCall(f"CA{3:032x}")


def test_help_goes_back_to_where_it_was_asked_for() -> None:
    """Any key: to the list, or to the open call."""
    assert after(["?"])[0].view == "help"
    assert after(["?", "q"])[0].view == "list"
    assert after(["enter", "up", "?", "x"])[0].view == "call"
    assert after(["enter", "up", "?", "x"])[0].scroll == 1


def test_enter_opens_and_escape_closes() -> None:
    """In the call, arrows read back in the journal and h still hangs up."""
    state, _ = after(["enter", "up", "up"])
    assert (state.view, state.scroll) == ("call", 2)
    assert after(["enter", "h", "y"])[1] == [EndCall(f"CA{3:032x}")]
    assert after(["enter", "up", "escape"])[0].view == "list"
    assert after(["enter", "home"])[0].scroll == MOST_SCROLL
    assert after(["enter", "escape"])[0].scroll == 0


def test_an_open_call_stays_open_when_it_ends() -> None:
    """Its last lines are what one wants to see."""
    state, _ = after(["enter"])
    assert settle(state, snapshot()).call_sid == f"CA{3:032x}"


def test_q_goes_back_before_it_quits() -> None:
    """Ctrl-C quits from anywhere."""
    assert after(["enter", "q"])[1] == []
    assert after(["enter", "q", "q"])[1] == [Quit()]
    assert after(["enter", "interrupt"])[1] == [Quit()]
    assert after(["h", "interrupt"])[1] == [Quit()]


def test_filter_takes_letters_until_enter() -> None:
    """Also those that are keys elsewhere; the rest of the list follows at once."""
    state, acts = after(["/", *"slow"])
    assert [int(each.call_sid[2:], 16) for each in shown_calls(state, THREE)] == [2]
    assert selected(state) == 2
    assert acts == []
    assert after(["/", *"slow", "enter", "q"])[1] == [Quit()]
    assert after(["/", *"slow", "escape"])[0].filter == ""
    assert after(["/", *"slox", "backspace", "w"])[0].filter == "slow"


def test_filter_knows_other_scripts() -> None:
    """An agent's name may be Hebrew."""
    state, _ = after(["/", *"הזמ"])
    assert selected(state) == 3


def test_help_and_back() -> None:
    """Any key leaves it."""
    assert after(["?"])[0].view == "help"
    assert after(["?", "x"])[0].view == "list"


def test_drain_needs_a_selected_worker_and_an_answer() -> None:
    """From the calls the first d goes to the workers."""
    state, acts = after(["d"])
    assert (state.pane, state.asked, acts) == ("workers", None, [])
    assert after(["tab", "j", "d", "y"])[1] == [Drain("brain-1@box#a1")]
    assert after(["tab", "d", "n"])[1] == []
    assert after(["tab", "h"])[0].asked is None


def test_without_calls_nothing_can_be_hung_up_or_opened() -> None:
    """The keys say so or do nothing."""
    assert after(["h"], snapshot())[0].note
    assert after(["enter"], snapshot())[0].view == "list"


def test_what_cannot_be_read_comes_last_and_counts_nowhere() -> None:
    """A call can be found, opened and hung up all the same; a worker can be drained."""
    data = Snapshot(
        calls=(unreadable_call(9), call(1), call(2)),
        workers=(unreadable_worker("brain-9"), worker("egress-0")),
    )
    state, _ = after([], data)
    assert [int(each.call_sid[2:], 16) for each in shown_calls(state, data)] == [2, 1, 9]
    assert (len(data.readable_calls), len(data.readable_workers)) == (2, 1)
    assert after(["end", "h", "y"], data)[1] == [EndCall(f"CA{9:032x}")]
    assert after(["end", "enter"], data)[0].view == "call"
    assert after(["tab", "end", "d", "y"], data)[1] == [Drain("brain-9@box#a1")]
    assert [each.call_sid for each in shown_calls(after(["/", *"many"], data)[0], data)] == [f"CA{9:032x}"]


def test_silent_workers_come_last() -> None:
    """By name otherwise."""
    data = Snapshot(workers=(silent_worker("egress-0"), worker("ingress-1"), worker("brain-0")))
    assert [row.name.partition("@")[0] for row in shown_workers(data)] == ["brain-0", "ingress-1", "egress-0"]


KEYS = st.sampled_from(
    [
        "up",
        "down",
        "j",
        "k",
        "tab",
        "enter",
        "escape",
        "backspace",
        "s",
        "/",
        "h",
        "d",
        "y",
        "n",
        "?",
        "q",
        "x",
    ]
)


@given(st.lists(KEYS, max_size=40), st.lists(st.integers(1, 6), max_size=6, unique=True))
def test_no_keys_lead_astray(keys: list[str], numbers: list[int]) -> None:
    """Whatever is pressed: nothing is hung up or drained without a question before it, and the selection
    is a call that is there."""
    data = snapshot(*(call(number) for number in numbers))
    state = settle(TopState(), data)
    for key in keys:
        before = state
        state, act = press(state, key, data)
        if isinstance(act, EndCall | Drain):
            assert before.asked == act
            assert key == "y"
        if state.view == "list" and state.asked is None:
            shown = [each.call_sid for each in shown_calls(state, data)]
            assert state.call_sid in shown or not shown
        assert len(state.filter) <= MAX_FILTER
