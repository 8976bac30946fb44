"""Which debt the frames that leave now answer: told to ingress before the first and after the last of them.

Why it exists: ingress hears the caller's ear, but a frame says nothing of what it answers, or whether more
should come. Owns: the response whose frames are leaving. Pure. Must not know: who owes what, what ingress
makes of it (ingress/calls/owed.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from egress.actions import Action, End, Sound
from egress.heard.accounts import PlayedResponse
from egress.reply.backlog import Stretch


@dataclass(slots=True)
class Answers:
    """The answers of one call, as they leave."""

    _leaving: PlayedResponse | None = None
    _gone: PlayedResponse | None = None
    """Its frames left before us: its end may not be told yet."""

    def begin(self, response: PlayedResponse, last_n: int, actions: list[Action]) -> None:
        """A frame of this response leaves next, behind frame `last_n`."""
        if response is not self._leaving:
            self._leaving, self._gone = response, None
            if response.debt:
                actions.append(Sound(last_n, response.debt))

    def passed(self, response: PlayedResponse) -> None:
        """Frames of it were sent by an owner before us. It told of their beginning with them; of their end
        we tell again, since nobody knows whether it came to that."""
        if response is not self._leaving:
            self._leaving, self._gone = None, response

    def end_if_out(self, stretches: Iterable[Stretch], last_n: int, actions: list[Action]) -> None:
        """Tells the end once all that the response will ever hold was sent."""
        response = self._leaving or self._gone
        if response is None or not response.ended:
            return
        if any(stretch.unsent and stretch.item.response is response for stretch in stretches):
            return
        self._leaving = self._gone = None
        if response.debt:
            actions.append(End(last_n, response.debt))

    def restart(self) -> None:
        """What leaves next is told again: there is a new stream, or what stood before is void."""
        self._leaving = self._gone = None
