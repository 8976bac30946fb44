"""One response on the wire: its object, its items, and the events of each, in recorded order.

Why it exists: clients rely on which events belong together and in which order they come. Owns: what the
events of a response look like. Pure. Must not know: when they are due, or whether the response may exist:
`responses` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from simulators.realtime.knobs import ResponseKnobs
from simulators.realtime.record import ItemRecord, ResponseRecord
from simulators.realtime.script import Call, Output, Reply, Say
from simulators.realtime.session.config import Json, SessionConfig
from simulators.realtime.session.conversation import Conversation, Item
from simulators.realtime.session.outlet import Outlet
from simulators.realtime.session.plan import OUTPUT_TOKEN_MS, Step, Verb
from simulators.realtime.session.tokens import Given


@dataclass(slots=True, kw_only=True)
class Response:
    """One response and everything it was asked to be."""

    response_id: str
    number: int
    reply: Reply
    config: SessionConfig
    params: Json
    """The client's `response` object; empty for the server's own."""
    knobs: ResponseKnobs
    record: ResponseRecord
    conversation: Conversation | None
    """The conversation it writes to; `None` out of band."""
    given: Given
    """What it was asked with."""
    items: dict[int, Item] = field(default_factory=dict)
    """By output index, once opened."""
    closed: set[int] = field(default_factory=set)
    after: Reply = ()
    """What answers the outputs of its calls."""
    status: str = "in_progress"
    status_details: Json | None = None
    audio_ms: float = 0.0

    @property
    def modalities(self) -> list[str]:
        """`["audio"]` or `["text"]`."""
        wished = self.params.get("output_modalities", self.config.values["output_modalities"])
        return cast(list[str], wished)

    @property
    def max_output_tokens(self) -> int | None:
        """The limit, or `None` for `inf`."""
        wished = self.params.get("max_output_tokens", self.config.values["max_output_tokens"])
        return wished if isinstance(wished, int) else None

    def as_json(self) -> Json:
        """The `response` object of `response.created` and `response.done`."""
        done = self.status != "in_progress"
        audio = cast(Json, cast(Json, self.config.values["audio"])["output"])
        wished = cast(Json, cast(Json, self.params.get("audio", {})).get("output", {}))
        return {
            "object": "realtime.response",
            "id": self.response_id,
            "status": self.status,
            "status_details": self.status_details,
            "output": [self.items[index].as_json() for index in sorted(self.items)],
            "conversation_id": None if self.conversation is None else self.conversation.conversation_id,
            "output_modalities": self.modalities,
            "max_output_tokens": self.max_output_tokens or "inf",
            "audio": {
                "output": {
                    "format": wished.get("format", audio["format"]),
                    "voice": wished.get("voice", audio["voice"]),
                }
            },
            "usage": self._usage() if done and self.status != "failed" else None,
            "metadata": self.record.metadata,
        }

    def _usage(self) -> Json:
        audio_tokens = int(self.audio_ms / OUTPUT_TOKEN_MS)
        said = sum(len(str(item.content)) for item in self.items.values()) // 16
        return {
            "total_tokens": self.given.total + audio_tokens + said,
            "input_tokens": self.given.total,
            "output_tokens": audio_tokens + said,
            "input_token_details": self.given.as_json(),
            "output_token_details": {"text_tokens": said, "audio_tokens": audio_tokens},
        }


class OutputWriter:
    """Carries out the steps of a response."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def step(self, now_ms: float, response: Response, step: Step) -> None:
        """Sends what one step of the plan stands for."""
        if step.verb is Verb.OPEN:
            self._open(now_ms, response, step.index)
        elif step.verb is Verb.CLOSE:
            self.close(now_ms, response, step.index, "completed")
        elif step.verb is Verb.UNKNOWN:
            self._delta(now_ms, response, step, "response.aura.delta", with_content=True)
        elif step.verb is Verb.ARGUMENTS:
            item = response.items[step.index]
            item.extra["arguments"] = str(item.extra["arguments"]) + step.data
            self._delta(
                now_ms,
                response,
                step,
                "response.function_call_arguments.delta",
                with_content=False,
                call_id=item.extra["call_id"],
            )
        else:
            self._content_delta(now_ms, response, step)

    def close(self, now_ms: float, response: Response, index: int, status: str) -> None:
        """Sends the closing events of one item, complete or not."""
        if index in response.closed or index not in response.items:
            return
        response.closed.add(index)
        item = response.items[index]
        output = response.reply[index]
        item.status = status
        if isinstance(output, Call):
            self._close_call(now_ms, response, index, item)
        else:
            self._close_content(now_ms, response, index, item, spoken=isinstance(output, Say))
        if response.conversation is not None:
            response.conversation.finish(now_ms, item)
        record = self._outlet.record.items[item.item_id]
        record.status = status
        fields: Json = {"response_id": response.response_id, "output_index": index}
        self._outlet.emit(now_ms, "response.output_item.done", **fields, item=self._shown(item, response))

    # Opening.

    def _open(self, now_ms: float, response: Response, index: int) -> None:
        output = response.reply[index]
        item = self._new_item(response, output, index)
        response.items[index] = item
        outlet = self._outlet
        outlet.emit(
            now_ms,
            "response.output_item.added",
            response_id=response.response_id,
            output_index=index,
            item=self._shown(item, response),
        )
        if response.conversation is not None:
            response.conversation.append(now_ms, item)
        else:
            outlet.record.items[item.item_id] = ItemRecord(
                item_id=item.item_id,
                role=item.role or item.type,
                response_id=response.response_id,
            )
        if isinstance(output, Call):
            return
        spoken = isinstance(output, Say)
        item.content = [
            {"type": "output_audio", "transcript": ""} if spoken else {"type": "output_text", "text": ""}
        ]
        part = _part(item, response.knobs.text_part_type)
        self._emit_content(now_ms, response, index, "response.content_part.added", part=part)

    def _new_item(self, response: Response, output: Output, index: int) -> Item:
        outlet = self._outlet
        item = Item(
            item_id=outlet.ids.mint("item"),
            type="message",
            role="assistant",
            status="in_progress",
            content=[],
            response_id=response.response_id,
        )
        if isinstance(output, Call):
            item.type, item.role, item.content = "function_call", None, None
            item.extra = {
                "call_id": outlet.ids.mint("call"),
                "name": output.name,
                "arguments": "",
            }
        elif isinstance(output, Say):
            audio_format = response.config.output_format
            spoken = outlet.voice(outlet.record, response.number, index, output.clip)
            item.audio = audio_format.from_mulaw(spoken)
            item.audio_bytes_per_ms = audio_format.bytes_per_ms
        if len(response.reply) > 1 and not isinstance(output, Call):
            last = index == len(response.reply) - 1
            item.extra["phase"] = "final_answer" if last else "commentary"
        return item

    # Deltas.

    def _content_delta(self, now_ms: float, response: Response, step: Step) -> None:
        item = response.items[step.index]
        record = self._outlet.record.items[item.item_id]
        if step.verb is Verb.AUDIO:
            item.generated_bytes += step.size_bytes
            step_ms = step.size_bytes / item.audio_bytes_per_ms
            response.audio_ms += step_ms
            record.generated_ms += step_ms
            if response.record.first_audio_at_ms is None:
                response.record.first_audio_at_ms = now_ms
            event_type = "response.output_audio.delta"
        else:
            key = "transcript" if step.verb is Verb.TRANSCRIPT else "text"
            part = cast(list[Json], item.content)[0]
            if item.truncated_ms is None:
                part[key] = str(part.get(key, "")) + step.data
            record.text += step.data
            event_type = (
                "response.output_audio_transcript.delta"
                if step.verb is Verb.TRANSCRIPT
                else "response.output_text.delta"
            )
        self._delta(now_ms, response, step, event_type, with_content=True)

    def _delta(
        self,
        now_ms: float,
        response: Response,
        step: Step,
        event_type: str,
        *,
        with_content: bool,
        **more: object,
    ) -> None:
        fields: Json = {**more, "delta": step.data}
        if step.verb is not Verb.AUDIO:
            fields["obfuscation"] = self._outlet.padding(step.data)
        self._emit_item(now_ms, response, step.index, event_type, with_content=with_content, fields=fields)

    # Closing.

    def _close_call(self, now_ms: float, response: Response, index: int, item: Item) -> None:
        fields: Json = {name: item.extra[name] for name in ("call_id", "name", "arguments")}
        self._emit_item(
            now_ms,
            response,
            index,
            "response.function_call_arguments.done",
            with_content=False,
            fields=fields,
        )

    def _close_content(
        self, now_ms: float, response: Response, index: int, item: Item, *, spoken: bool
    ) -> None:
        part = _part(item, response.knobs.text_part_type)
        if spoken:
            self._emit_content(now_ms, response, index, "response.output_audio.done")
            self._emit_content(
                now_ms,
                response,
                index,
                "response.output_audio_transcript.done",
                transcript=part.get("transcript", ""),
            )
        else:
            self._emit_content(now_ms, response, index, "response.output_text.done", text=part["text"])
        self._emit_content(now_ms, response, index, "response.content_part.done", part=part)

    # Fields.

    def _emit_content(
        self, now_ms: float, response: Response, index: int, event_type: str, **fields: object
    ) -> None:
        self._emit_item(now_ms, response, index, event_type, with_content=True, fields=fields)

    def _emit_item(
        self,
        now_ms: float,
        response: Response,
        index: int,
        event_type: str,
        *,
        with_content: bool,
        fields: Json,
    ) -> None:
        """Sends one `response.*` event of an item, its ids in recorded order."""
        named: Json = {"response_id": response.response_id}
        if response.knobs.item_id != "missing":
            present = response.knobs.item_id == "present"
            named["item_id"] = response.items[index].item_id if present else ""
        named["output_index"] = index
        if with_content:
            named["content_index"] = 0
        self._outlet.emit(now_ms, event_type, **named, **fields)

    def _shown(self, item: Item, response: Response) -> Json:
        shown = item.as_json()
        if response.knobs.item_id == "missing":
            del shown["id"]
        elif response.knobs.item_id == "empty":
            shown["id"] = ""
        return shown


def _part(item: Item, text_type: str) -> Json:
    """The content part as `content_part.*` events show it: `audio`/`text`, where the item itself says
    `output_audio`/`output_text`, as recorded. What they call a text part, a knob says."""
    part = cast(list[Json], item.content)[0]
    if part["type"] == "output_audio":
        return {"type": "audio", "transcript": part.get("transcript", "")}
    return {"type": text_type, "text": part.get("text", "")}
