"""Parallel tool calls: each is run once, each output is posted as it comes, one create answers all.

Owns: the batches. A batch is complete when its response is done (no more calls can come) and none of
its calls is open; only then is the answer wished for.
"""

from __future__ import annotations

from brain.sequencer import door
from brain.sequencer.actions import RunTool, SendToolOutput
from brain.sequencer.inputs import ItemAdded, ToolCalled, ToolFinished
from brain.sequencer.state import Phase, State, ToolBatch
from brain.sequencer.wishes import Reason

NOT_RUN = '{"error": "not run: the caller interrupted before this tool was started"}'
NEVER_ENDED = '{"error": "the tool did not end in time; its result is unknown"}'


def called(s: State, i: ToolCalled, now_ms: float) -> None:
    """The model completed a call. An interrupted response's call is answered, but not run."""
    if not i.call_id or i.call_id in s.calls:
        return
    s.calls.add(i.call_id)
    if i.response_id in s.retired or s.hang_up is not None:
        s.journal("tool_finished", call_id=i.call_id, tool=i.name, outcome="not_run")
        _post(s, i.call_id, NOT_RUN)
        return
    active = s.active
    generating = active is not None and active.response_id == i.response_id
    batch = s.batches.setdefault(i.response_id, ToolBatch(response_id=i.response_id, generating=generating))
    batch.open_calls[i.call_id] = now_ms + s.config.tool_wait_ms
    s.journal("tool_started", call_id=i.call_id, tool=i.name, response=i.response_id)
    s.actions.append(
        RunTool(response_id=i.response_id, call_id=i.call_id, name=i.name, arguments=i.arguments)
    )


def finished(s: State, i: ToolFinished, now_ms: float) -> None:
    """A tool ended: post its output at once, and wish for the answer when it was the last."""
    batch = _batch_of(s, i.call_id)
    if batch is None:
        s.journal("tool_finished", call_id=i.call_id, outcome="unknown_call")
        return
    del batch.open_calls[i.call_id]
    s.journal("tool_finished", call_id=i.call_id, outcome="posted")
    _post(s, i.call_id, i.output)
    if i.reply:
        batch.answered.append(i.call_id)
    _complete(s, batch, now_ms)


def item_added(s: State, i: ItemAdded, now_ms: float) -> None:
    """The server has an output as an item: a response created from now on could see it."""
    s.outputs_added.add(i.call_id)


def response_over(s: State, response_id: str, now_ms: float) -> None:
    """No more calls can come from this response."""
    batch = s.batches.get(response_id)
    if batch is not None:
        batch.generating = False
        _complete(s, batch, now_ms)


def overdue(s: State, now_ms: float) -> None:
    """Answer the calls whose tool never ended."""
    for batch in list(s.batches.values()):
        for call_id, deadline_ms in list(batch.open_calls.items()):
            if deadline_ms <= now_ms:
                s.journal("error", what="tool_never_ended", call_id=call_id)
                finished(s, ToolFinished(call_id=call_id, output=NEVER_ENDED), now_ms)


# Private.


def _post(s: State, call_id: str, output: str) -> None:
    if s.phase is Phase.OPEN:
        s.actions.append(SendToolOutput(event_id=s.event_id("output"), call_id=call_id, output=output))


def _batch_of(s: State, call_id: str) -> ToolBatch | None:
    return next((batch for batch in s.batches.values() if call_id in batch.open_calls), None)


def _complete(s: State, batch: ToolBatch, now_ms: float) -> None:
    if batch.generating or batch.open_calls:
        return
    del s.batches[batch.response_id]
    if batch.answered and s.hang_up is None:
        wish = door.new_wish(s, Reason.TOOL_OUTPUTS, now_ms, call_ids=tuple(batch.answered))
        door.submit(s, wish, now_ms)
