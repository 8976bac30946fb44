"""What can go wrong in the brain: the whole tree, and whom each error is for.

    EngineError          no session could be opened, or this one is over: for the lifeline of the call
    AgentsFileError      the agents file is wrong: for whoever wrote it
    ToolError            a tool cannot be offered: for whoever wrote it
    ToolFailed           a tool did not work, in words that the model may be told
    └── BadArguments     the model's own arguments do not fit
    NoThread             a plain function found no thread to run in
    AnswerError          what the user's system said of a call cannot be meant: for the journal

Why it exists: a reader of one room should know what the others raise. Owns: the classes and their fields.
Pure. Must not know: who raises or catches them.
"""

from __future__ import annotations

from shared.forms import Problems


class EngineError(Exception):
    """No session could be opened, or this one is over. `cause` is a short word for journal and log.

    `fatal`: neither waiting nor a new session helps (key, quota, model): the call ends politely. `said`: the
    provider's own sentence, for whoever checks a file. It may quote what the session was told, and so a
    caller's name: of a call it goes into no log.
    """

    def __init__(self, cause: str, detail: str = "", *, fatal: bool = False, said: str = "") -> None:
        self.cause = cause
        self.detail = detail
        self.fatal = fatal
        self.said = said
        super().__init__(f"{cause}: {detail}" if detail else cause)


class AgentsFileError(Problems):
    """The agents file is wrong; a line for each problem."""


class ToolError(Exception):
    """A tool that cannot be offered: its signature has no types, or its name is taken."""


class ToolFailed(Exception):
    """Raised by a tool whose failure the model may be told in words: they stand in the result."""


class BadArguments(ToolFailed):
    """The model's arguments do not fit; the text says what was expected, without the values."""


class NoThread(Exception):
    """All threads for tools are taken."""


class AnswerError(Exception):
    """The user's system was asked who is calling, and answered what cannot be meant. The text says what was
    expected, without a value: it may be a person's."""
