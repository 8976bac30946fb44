"""Parallel tool calls: run once, posted as they come, answered by one create."""

from __future__ import annotations

import pytest

from brain.sequencer import Reason, inputs
from brain.sequencer.actions import Action, RunTool, SendApproval, SendCreate, SendToolOutput
from tests.brain.sequencer.desk import Desk, creates, journaled, only


def called(desk: Desk, call_id: str, response_id: str = "r1") -> list[Action]:
    return desk.give(inputs.ToolCalled(response_id=response_id, call_id=call_id, name="t", arguments="{}"))


def finished(desk: Desk, call_id: str, *, reply: bool = True) -> list[Action]:
    return desk.give(inputs.ToolFinished(call_id=call_id, output="{}", reply=reply))


def test_parallel_results_are_posted_as_they_come_and_answered_once() -> None:
    """The create waits for the last of them."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    called(desk, "b")
    desk.done("r1")

    first, second = finished(desk, "b"), finished(desk, "a")

    assert [output.call_id for output in only(SendToolOutput, first + second)] == ["b", "a"]
    assert (creates(first), creates(second)) == ([], [Reason.TOOL_OUTPUTS])


def test_results_that_are_ready_before_done_wait_for_it() -> None:
    """More calls may come in the same response."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    posted = finished(desk, "a")
    called(desk, "b")

    assert only(SendToolOutput, posted)
    assert creates(desk.done("r1")) == []
    assert creates(finished(desk, "b")) == [Reason.TOOL_OUTPUTS]


def test_a_call_is_run_once() -> None:
    """A repeated event is not a second order."""
    desk = Desk()
    desk.created("r1")

    assert len(only(RunTool, called(desk, "a") + called(desk, "a"))) == 1


def test_a_tool_may_opt_out_of_a_reply() -> None:
    """Its output is posted, and nothing is created."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    desk.done("r1")

    actions = finished(desk, "a", reply=False)

    assert only(SendToolOutput, actions)
    assert creates(actions) == []


def test_a_call_of_an_interrupted_response_is_answered_but_not_run() -> None:
    """No side effect that the caller talked over; no call without its output."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.speech()

    actions = called(desk, "a")

    assert only(RunTool, actions) == []
    assert [output.call_id for output in only(SendToolOutput, actions)] == ["a"]


def test_a_server_made_response_that_saw_the_outputs_supersedes_the_create() -> None:
    """All items were added before its `created`."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    desk.speech()
    desk.done("r1")
    finished(desk, "a")
    desk.give(inputs.ItemAdded(item_id="o", answers_id="a"))

    superseded = journaled(desk.created("server"), "response_superseded")

    assert [line["reason"] for line in superseded] == ["tool_outputs"]
    assert creates(desk.done("server")) == []


def test_a_server_made_response_that_may_not_have_seen_them_does_not() -> None:
    """The output was posted, but its item was not confirmed before `created`."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    desk.speech()
    desk.done("r1")
    finished(desk, "a")

    desk.created("server")

    assert creates(desk.done("server")) == [Reason.TOOL_OUTPUTS]


def test_a_tool_that_never_ends_is_answered_for() -> None:
    """A driver that forgot a tool does not leave the model waiting."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    desk.done("r1")

    actions = desk.at(120_000)

    assert "not end in time" in only(SendToolOutput, actions)[0].output
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_a_result_nobody_asked_for_is_not_posted() -> None:
    """Unknown and repeated results are one journal line."""
    desk = Desk()

    assert only(SendToolOutput, finished(desk, "never_called")) == []


def test_a_lost_done_does_not_hold_back_the_answer() -> None:
    """The response's watchdog closes the batch too."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    finished(desk, "a")
    desk.at(10_000)

    assert creates(desk.at(13_000)) == [Reason.TOOL_OUTPUTS]


def server_tool(desk: Desk, item_id: str = "m1") -> None:
    desk.give(inputs.ServerToolOpened(response_id="r1", item_id=item_id))


def test_a_tool_of_the_server_is_waited_for_and_asked_about() -> None:
    """Nothing is posted: the server has the result. One create, after the response and after the tool."""
    desk = Desk()
    desk.created("r1")
    server_tool(desk)
    assert creates(desk.done("r1")) == []

    actions = desk.give(inputs.ServerToolFinished(item_id="m1"))

    assert only(SendToolOutput, actions) == []
    assert creates(actions) == [Reason.TOOL_OUTPUTS]


def test_tools_of_both_sides_are_one_batch() -> None:
    """The last one to end asks for the answer."""
    desk = Desk()
    desk.created("r1")
    server_tool(desk)
    desk.give(inputs.ToolCalled(response_id="r1", call_id="c1", name="t", arguments=""))
    desk.done("r1")

    assert creates(desk.give(inputs.ServerToolFinished(item_id="m1"))) == []
    assert creates(desk.give(inputs.ToolFinished(call_id="c1", output="{}"))) == [Reason.TOOL_OUTPUTS]


def test_a_tool_of_the_server_that_never_ends_is_asked_about_all_the_same() -> None:
    """The model says what it knows."""
    desk = Desk()
    desk.created("r1")
    server_tool(desk)
    desk.done("r1")

    assert creates(desk.at(119_999)) == []
    assert creates(desk.at(120_000)) == [Reason.TOOL_OUTPUTS]


def test_a_tool_of_a_lost_session_is_lost_with_it() -> None:
    """The next session is asked to go on."""
    desk = Desk()
    desk.created("r1")
    server_tool(desk)
    desk.done("r1")
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert creates(desk.give(inputs.SessionConfirmed())) == [Reason.TOOL_OUTPUTS]


def test_a_server_that_asks_is_answered_once() -> None:
    """As the agent says; and no for a response that nobody wants any more. Then one create."""
    for approve in (True, False):
        desk = Desk()
        desk.created("r1")
        asked = inputs.ApprovalAsked(response_id="r1", item_id="q", approve=approve)
        (answer,) = only(SendApproval, desk.give(asked))
        assert (answer.request_id, answer.approve) == ("q", approve)
        assert desk.give(asked) == []
        assert creates(desk.done("r1")) == [Reason.TOOL_OUTPUTS]

    desk = Desk()
    desk.created("r1")
    desk.audio("r1", "i1", 500)
    desk.speech()
    late = desk.give(inputs.ApprovalAsked(response_id="r1", item_id="q", approve=True))
    assert [answer.approve for answer in only(SendApproval, late)] == [False]
    assert creates([*late, *desk.done("r1")]) == []


def test_a_result_that_comes_without_a_session_is_told_to_the_next_one() -> None:
    """With its call: the next session may have been told its past before the tool ended. Then one create."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    desk.done("r1")
    desk.give(inputs.SessionLost(cause="closed_1006"))

    assert only(SendToolOutput, finished(desk, "a")) == []
    assert desk.core.open_tool_calls == {"a"}
    actions = desk.give(inputs.SessionConfirmed())

    assert [(output.call_id, output.name) for output in only(SendToolOutput, actions)] == [("a", "t")]
    assert creates(actions) == [Reason.TOOL_OUTPUTS]
    assert desk.core.open_tool_calls == frozenset()
    assert only(SendToolOutput, finished(desk, "a")) == []


def test_a_result_does_not_wait_for_ever_for_a_session() -> None:
    """30 s; what it answers is then wished for, and expires like any wish."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    desk.done("r1")
    desk.give(inputs.SessionLost(cause="closed_1006"))
    finished(desk, "a")

    assert desk.core.next_deadline_ms() == 30_000
    assert journaled(desk.at(30_000), "tool_finished")[0]["outcome"] == "no_session"
    assert journaled(desk.at(60_000), "response_expired")[0]["reason"] == "tool_outputs"
    assert desk.core.next_deadline_ms() is None


def test_calls_whose_response_is_left_unnamed_belong_to_the_active_one() -> None:
    """Some servers leave the id out: still one batch, answered once when the response is done."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a", "")
    called(desk, "b", "")
    finished(desk, "a")

    done = desk.done("r1")

    assert set(desk.core.state.batches) == {"r1"}
    assert creates(done) == []
    assert creates(finished(desk, "b")) == [Reason.TOOL_OUTPUTS]


def test_an_unnamed_call_of_an_interrupted_response_is_not_run() -> None:
    """It can only be of the response that is being cancelled."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.speech()

    assert only(RunTool, called(desk, "a", "")) == []


def test_an_unnamed_call_without_any_response_is_a_batch_of_its_own() -> None:
    """Nothing is ever held by an empty id."""
    desk = Desk()

    assert [run.response_id for run in only(RunTool, called(desk, "a", ""))] == [""]
    assert set(desk.core.state.batches) == {"a"}
    assert creates(finished(desk, "a")) == [Reason.TOOL_OUTPUTS]


@pytest.mark.parametrize("what", ["a tool of the server", "an approval"])
def test_a_server_made_response_has_seen_what_the_server_did_itself(what: str) -> None:
    """It supersedes the create that waits for the caller to stop."""
    desk = Desk()
    desk.created("r1")
    if what == "an approval":
        desk.give(inputs.ApprovalAsked(response_id="r1", item_id="m1", approve=True))
    else:
        server_tool(desk)
        desk.give(inputs.ServerToolFinished(item_id="m1"))
    desk.speech()
    desk.done("r1", "cancelled")

    superseded = journaled(desk.created("server"), "response_superseded")

    assert [line["reason"] for line in superseded] == ["tool_outputs"]


def test_while_the_call_ends_the_server_may_run_nothing() -> None:
    """It is told no, and nothing is asked of it for that."""
    desk = Desk()
    desk.created("r1")
    desk.give(inputs.HangUpWished(cause="agent", farewell="bye"))

    actions = desk.give(inputs.ApprovalAsked(response_id="r1", item_id="q", approve=True))

    assert [answer.approve for answer in only(SendApproval, actions)] == [False]
    assert desk.core.state.batches == {}


@pytest.mark.parametrize("what", ["a tool of the server", "an approval"])
def test_what_the_server_does_for_an_unnamed_response_is_done_for_the_active_one(what: str) -> None:
    """The create waits until that one is done."""
    desk = Desk()
    desk.created("r1")
    if what == "an approval":
        actions = desk.give(inputs.ApprovalAsked(response_id="", item_id="m1", approve=True))
    else:
        desk.give(inputs.ServerToolOpened(response_id="", item_id="m1"))
        actions = desk.give(inputs.ServerToolFinished(item_id="m1"))

    assert creates(actions) == []
    assert creates(desk.done("r1")) == [Reason.TOOL_OUTPUTS]


def test_a_tool_of_the_server_for_an_interrupted_response_is_not_waited_for() -> None:
    """Not even while another one is active."""
    desk = Desk()
    desk.said("r1", "i1", 1_000, done=False)
    desk.speech()
    desk.done("r1", "cancelled")
    desk.created("r2")

    server_tool(desk)

    assert desk.core.open_tool_calls == frozenset()


def test_a_result_that_no_session_came_for_is_given_up_beside_a_call_that_still_runs() -> None:
    """Each call has its own time: 30 s for the result of b, 120 s for a, which was called first."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    called(desk, "b")
    desk.give(inputs.SessionLost(cause="closed_1006"))
    desk.now_ms = 1_000
    finished(desk, "b")

    actions = desk.at(31_000)

    expected = [{"call_id": "b", "tool": "t", "outcome": "no_session"}]
    assert journaled(actions, "tool_finished") == expected
    assert desk.core.open_tool_calls == {"a"}


def rounds(desk: Desk, count: int, first: int = 0) -> list[SendCreate]:
    """Rounds of one tool of the server's each, from response `first` on; the creates that answer them."""
    sent: list[SendCreate] = []
    desk.created(f"r{first}")
    for number in range(first, first + count):
        item_id = f"mcp{number}"
        desk.give(inputs.ServerToolOpened(response_id=f"r{number}", item_id=item_id))
        desk.done(f"r{number}")
        sent += only(SendCreate, desk.give(inputs.ServerToolFinished(item_id=item_id)))
        desk.created(f"r{number + 1}", sent[-1].token)
    return sent


def test_the_rounds_of_tools_are_bounded() -> None:
    """The eighth answer in a row is asked for without tools: the caller hears what is known."""
    desk = Desk()

    sent = rounds(desk, 8)

    assert [create.without_tools for create in sent] == [False] * 7 + [True]
    assert journaled(desk.log, "error") == [{"what": "too_many_tool_rounds", "response": "r7"}]


@pytest.mark.parametrize("caller_spoke", [True, False])
def test_a_word_of_the_callers_begins_the_rounds_again_and_none_of_the_models(caller_spoke: bool) -> None:
    """A model that says "one moment" before each tool is in a loop all the same."""
    desk = Desk()
    rounds(desk, 7)
    response_id = "r7"
    if caller_spoke:
        response_id = "r7b"
        desk.speech()
        desk.done("r7", "cancelled")
        desk.speech_over()
        desk.created(response_id)
    else:
        desk.audio(response_id, "i7", 500)
    desk.give(inputs.ServerToolOpened(response_id=response_id, item_id="mcp7"))
    desk.done(response_id)

    (create,) = only(SendCreate, desk.give(inputs.ServerToolFinished(item_id="mcp7")))

    assert create.without_tools is not caller_spoke


def test_a_tool_whose_result_waits_for_a_session_runs_no_more() -> None:
    """It is open, since nobody has answered it; but nothing is at work that could excuse the silence."""
    desk = Desk()
    desk.created("r1")
    called(desk, "a")
    assert desk.core.runs_tools
    desk.give(inputs.SessionLost(cause="closed_1006"))
    assert desk.core.runs_tools

    desk.give(inputs.ToolFinished(call_id="a", output="{}"))

    assert desk.core.open_tool_calls == {"a"}
    assert not desk.core.runs_tools
