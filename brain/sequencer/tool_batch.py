"""Parallel tool calls: each is run once, each output is posted as it comes, one create answers all.

Why it exists: a batch is complete when its response is done (no more tool calls can come) and none of its
own is open; only then is the answer wished for. A tool call outlives its session: its output is then posted
with the call itself, which the next session has not seen.

Owns: the batches. Must not know: what a tool does.
"""

from __future__ import annotations

from dataclasses import replace

from brain.sequencer import door, owing
from brain.sequencer.actions import RunTool, SendApproval, SendToolOutput
from brain.sequencer.inputs import (
    ApprovalAsked,
    ItemAdded,
    ServerToolFinished,
    ServerToolOpened,
    ToolCalled,
    ToolFinished,
)
from brain.sequencer.state import Phase, State, ToolBatch, ToolCall
from brain.sequencer.wishes import Reason
from shared.contract.owed import DebtCause
from shared.contract.streams.journal import Kind

NOT_RUN = '{"error": "not run: the caller interrupted before this tool was started"}'
NEVER_ENDED = '{"error": "the tool did not end in time; its result is unknown"}'


def called(s: State, i: ToolCalled, now_ms: float) -> None:
    """The model completed a tool call. That of an interrupted response is answered, but not run."""
    if not i.call_id or i.call_id in s.tool_calls:
        return
    s.tool_calls.add(i.call_id)
    response_id = _meant(s, i.response_id)
    if response_id in s.retired or s.hang_up is not None:
        s.journal(Kind.TOOL_FINISHED, call_id=i.call_id, tool=i.name, outcome="not_run")
        _post(s, i.call_id, NOT_RUN)
        return
    batch = _open_batch(s, response_id or i.call_id, now_ms)
    batch.open_tool_calls[i.call_id] = ToolCall(
        deadline_ms=now_ms + s.config.tool_wait_ms, name=i.name, arguments=i.arguments
    )
    s.journal(Kind.TOOL_STARTED, call_id=i.call_id, tool=i.name, response=response_id)
    s.actions.append(RunTool(response_id=response_id, call_id=i.call_id, name=i.name, arguments=i.arguments))


def finished(s: State, i: ToolFinished, now_ms: float) -> None:
    """A tool ended: its output is posted at once, and the answer wished for when it was the last."""
    batch = _find_batch(s, i.call_id)
    if batch is None or batch.open_tool_calls[i.call_id].result is not None:
        s.journal(Kind.TOOL_FINISHED, call_id=i.call_id, outcome="unknown_call")
        return
    tool_call = batch.open_tool_calls[i.call_id]
    if s.phase is not Phase.OPEN:
        s.journal(Kind.TOOL_FINISHED, call_id=i.call_id, tool=tool_call.name, outcome="kept")
        tool_call.result, tool_call.deadline_ms = i, now_ms + s.config.tool_result_wait_ms
        return
    del batch.open_tool_calls[i.call_id]
    s.journal(Kind.TOOL_FINISHED, call_id=i.call_id, tool=tool_call.name, outcome="posted")
    if batch.session == s.session:
        _post(s, i.call_id, i.output)
    else:
        _post(s, i.call_id, i.output, tool_call)
    if i.reply:
        batch.answered_ids.append(i.call_id)
    _complete(s, batch, now_ms)


def session_ready(s: State, now_ms: float) -> None:
    """What tools said while there was no session is told to the new one."""
    for batch in list(s.batches.values()):
        for tool_call in list(batch.open_tool_calls.values()):
            result, tool_call.result = tool_call.result, None
            if result is not None:
                finished(s, result, now_ms)


def server_tool_opened(s: State, i: ServerToolOpened, now_ms: float) -> None:
    """The server runs a tool by itself: it is waited for like ours, and answered with them."""
    response_id = _meant(s, i.response_id)
    if not i.item_id or i.item_id in s.tool_calls or response_id in s.retired or s.hang_up is not None:
        return
    s.tool_calls.add(i.item_id)
    batch = _open_batch(s, response_id or i.item_id, now_ms)
    batch.open_tool_calls[i.item_id] = ToolCall(deadline_ms=now_ms + s.config.tool_wait_ms, by_server=True)
    s.journal(Kind.TOOL_STARTED, call_id=i.item_id, tool="mcp", response=response_id)


def server_tool_finished(s: State, i: ServerToolFinished, now_ms: float) -> None:
    """The server's tool ended; the model says nothing about it until it is asked."""
    batch = _find_batch(s, i.item_id)
    if batch is None:
        return
    del batch.open_tool_calls[i.item_id]
    s.journal(Kind.TOOL_FINISHED, call_id=i.item_id, tool="mcp", outcome="by_server")
    s.in_conversation.add(i.item_id)
    batch.answered_ids.append(i.item_id)
    _complete(s, batch, now_ms)


def approval_asked(s: State, i: ApprovalAsked, now_ms: float) -> None:
    """The server asks whether it may run a tool; the agent's profile has the answer."""
    if not i.item_id or i.item_id in s.tool_calls:
        return
    s.tool_calls.add(i.item_id)
    response_id = _meant(s, i.response_id)
    is_unwanted = response_id in s.retired or s.hang_up is not None
    approve = i.approve and not is_unwanted
    s.actions.append(SendApproval(event_id=s.event_id("approval"), request_id=i.item_id, approve=approve))
    s.journal(Kind.TOOL_APPROVAL, item=i.item_id, approve="yes" if approve else "no")
    if is_unwanted:
        return
    s.in_conversation.add(i.item_id)
    batch = _open_batch(s, response_id or i.item_id, now_ms)
    batch.answered_ids.append(i.item_id)
    _complete(s, batch, now_ms)


def item_added(s: State, i: ItemAdded, now_ms: float) -> None:
    """The server has an output (or a text) as an item: a response created from now on could see it."""
    s.in_conversation.add(i.answers_id)


def find(s: State, call_id: str) -> ToolCall | None:
    """This tool call, if it still waits for its result."""
    batch = _find_batch(s, call_id)
    tool_call = None if batch is None else batch.open_tool_calls[call_id]
    return tool_call if tool_call is not None and tool_call.result is None else None


def is_open(s: State, call_id: str) -> bool:
    """Whether this tool call still waits for its result."""
    return find(s, call_id) is not None


def extend(s: State, call_id: str, deadline_ms: float) -> None:
    """Moves the bound of a tool call to that of somebody else, whose wait ends first and answers the call."""
    batch = _find_batch(s, call_id)
    if batch is not None:
        batch.open_tool_calls[call_id].deadline_ms = deadline_ms


def response_finished(s: State, response_id: str, now_ms: float) -> None:
    """No more tool calls can come from this response."""
    batch = s.batches.get(response_id)
    if batch is not None:
        batch.generating = False
        _complete(s, batch, now_ms)


def session_lost(s: State, now_ms: float) -> None:
    """What the server ran is lost with its session; our own tools go on, and are answered in the next."""
    for batch in list(s.batches.values()):
        batch.generating = False
        for call_id, tool_call in list(batch.open_tool_calls.items()):
            if tool_call.by_server:
                del batch.open_tool_calls[call_id]
                batch.answered_ids.append(call_id)
        _complete(s, batch, now_ms)


def due_ms(s: State) -> float | None:
    """Until when the first of the open tool calls must be answered."""
    tool_calls = (tool_call for batch in s.batches.values() for tool_call in batch.open_tool_calls.values())
    return min((tool_call.deadline_ms for tool_call in tool_calls), default=None)


def overdue(s: State, now_ms: float) -> None:
    """Answers the tool calls whose tool never ended; gives up the results that no session came for."""
    for batch in list(s.batches.values()):
        for call_id, tool_call in list(batch.open_tool_calls.items()):
            if tool_call.deadline_ms > now_ms:
                continue
            if tool_call.result is not None:
                # No session came for it; a later one reads it in its past.
                del batch.open_tool_calls[call_id]
                s.journal(Kind.TOOL_FINISHED, call_id=call_id, tool=tool_call.name, outcome="no_session")
                if tool_call.result.reply:
                    batch.answered_ids.append(call_id)
                _complete(s, batch, now_ms)
            else:
                s.journal(Kind.ERROR, what="tool_never_ended", call_id=call_id)
                if tool_call.by_server:
                    server_tool_finished(s, ServerToolFinished(item_id=call_id), now_ms)
                else:
                    finished(s, ToolFinished(call_id=call_id, output=NEVER_ENDED), now_ms)


# Private.


def _post(s: State, call_id: str, output: str, unseen: ToolCall | None = None) -> None:
    """`unseen`: the tool call itself, where the session has not seen it."""
    name, arguments = ("", "") if unseen is None else (unseen.name, unseen.arguments)
    s.actions.append(
        SendToolOutput(
            event_id=s.event_id("output"), call_id=call_id, output=output, name=name, arguments=arguments
        )
    )


def _meant(s: State, response_id: str) -> str:
    """A response that the server leaves unnamed is the active one; empty if there is none."""
    return response_id or ("" if s.active is None else s.active.response_id)


def _open_batch(s: State, response_id: str, now_ms: float) -> ToolBatch:
    """The batch of this response. The first call of it is waited for by the caller too."""
    batch = s.batches.get(response_id)
    if batch is None:
        active = s.active
        batch = s.batches[response_id] = ToolBatch(
            response_id=response_id,
            generating=active is not None and active.response_id == response_id,
            session=s.session,
            debt=owing.owe(s, DebtCause.TOOL, now_ms),
        )
    response = s.responses.get(response_id)
    if response is not None:
        response.called_tools = True
    return batch


def _find_batch(s: State, call_id: str) -> ToolBatch | None:
    return next((batch for batch in s.batches.values() if call_id in batch.open_tool_calls), None)


def _complete(s: State, batch: ToolBatch, now_ms: float) -> None:
    if batch.generating or batch.open_tool_calls:
        return
    del s.batches[batch.response_id]
    if batch.answered_ids and s.hang_up is None:
        if s.debts.owed is None:
            owing.owe(s, DebtCause.TOOL, now_ms)  # Something else was answered meanwhile.
        s.asking.tool_rounds += 1
        is_loop = s.asking.tool_rounds >= s.config.tool_rounds
        if is_loop:
            s.journal(Kind.ERROR, what="too_many_tool_rounds", response=batch.response_id)
        wish = door.new_wish(s, Reason.TOOL_OUTPUTS, now_ms, answered_ids=tuple(batch.answered_ids))
        door.submit(s, replace(wish, without_tools=is_loop), now_ms)
    else:
        # The tools want no answer, or the call ends: that was decided, so nobody waits for one.
        owing.waive(s, batch.debt, now_ms)
