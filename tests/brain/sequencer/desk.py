"""A desk to play a sequencer from: literal time, short names for what the server and egress say."""

from __future__ import annotations

from typing import Literal, TypeVar

from brain.sequencer import Reason, Sequencer, SequencerConfig, inputs
from brain.sequencer.actions import Action, AudioVerdict, Journal, SendCreate
from brain.sequencer.inputs import Input

A = TypeVar("A", bound=Action)


class Desk:
    """One sequencer, its clock and everything it asked for so far."""

    def __init__(
        self,
        create_response_by: Literal["server", "brain"] = "server",
        *,
        confirmed: bool = True,
        config: SequencerConfig | None = None,
    ) -> None:
        """`config` has figures of its own, if the mode alone will not do."""
        self.core = Sequencer(config or SequencerConfig(create_response_by=create_response_by))
        self.now_ms = 0.0
        self.log: list[Action] = []
        if confirmed:
            self.give(inputs.SessionConfirmed())

    def give(self, input_: Input) -> list[Action]:
        actions = self.core.handle(input_, self.now_ms)
        self.log.extend(actions)
        return actions

    def at(self, now_ms: float) -> list[Action]:
        """Lets the clock reach `now_ms` and ticks there."""
        self.now_ms = now_ms
        return self.give(inputs.Tick())

    def audio(self, response_id: str, item_id: str, ms: int) -> AudioVerdict:
        verdict = self.core.admit_audio(response_id, item_id, ms * 8, self.now_ms)
        self.log.extend(verdict.actions)
        return verdict

    # What the server says.

    def created(self, response_id: str, token: str = "") -> list[Action]:
        return self.give(inputs.ResponseCreated(response_id=response_id, token=token))

    def done(self, response_id: str, status: str = "completed", code: str = "") -> list[Action]:
        return self.give(inputs.ResponseDone(response_id=response_id, status=status, code=code))

    def said(self, response_id: str, item_id: str, ms: int, *, done: bool = True) -> None:
        """A whole server-made response: created, one item of `ms` audio, finished."""
        self.created(response_id)
        self.give(inputs.ItemOpened(response_id=response_id, item_id=item_id, speaks=True))
        self.audio(response_id, item_id, ms)
        if done:
            self.give(inputs.ItemFinished(response_id=response_id, item_id=item_id))
            self.done(response_id)

    def refused(self, event_id: str, code: str = "conversation_already_has_active_response") -> list[Action]:
        return self.give(inputs.Refused(event_id=event_id, code=code))

    # What egress says.

    def audible(self, response_id: str, item_id: str, cut: int = 0) -> list[Action]:
        return self.give(inputs.Audible(cut=cut, response_id=response_id, item_id=item_id))

    def heard(self, response_id: str, item_id: str, ms: float, cut: int = 0) -> list[Action]:
        return self.give(inputs.Heard(cut=cut, response_id=response_id, item_id=item_id, heard_ms=ms))

    def played(self, response_id: str, item_id: str, ms: float, cut: int = 0) -> list[Action]:
        return self.give(
            inputs.Silent(cut=cut, response_id=response_id, item_id=item_id, heard_ms=ms, cause="played")
        )

    def flushed(self, cut: int, **heard_ms: float) -> list[Action]:
        items = tuple(inputs.FlushedItem(item_id=item_id, heard_ms=ms) for item_id, ms in heard_ms.items())
        return self.give(inputs.Flushed(cut=cut, items=items))

    # What others want.

    def wish(self, reason: Reason, text: str = "", *, force: bool = False) -> list[Action]:
        return self.give(inputs.WishToSpeak(reason=reason, text=text, force=force))

    def speech(self) -> list[Action]:
        return self.give(inputs.SpeechStarted(item_id="user"))

    def speech_over(self) -> list[Action]:
        return self.give(inputs.SpeechStopped(item_id="user"))


def only(kind: type[A], actions: list[Action]) -> list[A]:
    """The actions of one kind, in order."""
    return [action for action in actions if isinstance(action, kind)]


def creates(actions: list[Action]) -> list[Reason]:
    """The reasons of the creates sent."""
    return [action.reason for action in only(SendCreate, actions)]


def token(actions: list[Action]) -> str:
    """The token of the one create sent."""
    (create,) = only(SendCreate, actions)
    return create.token


def journaled(actions: list[Action], kind: str) -> list[dict[str, str]]:
    """The fields of the journal lines of one kind."""
    return [action.fields for action in only(Journal, actions) if action.kind == kind]
