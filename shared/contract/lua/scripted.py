"""What the scripts write on the card, beside the records of card.py. Pure.

Why it exists: a field has a writer, and a script says in Lua what it writes. Owns: these names, for those who
look after the contract. Must not know: who reads a field.
"""

from __future__ import annotations

from collections.abc import Mapping

SCRIPTED: Mapping[str, str] = {
    "v": "ATTACH, RESTORE: the version of the card's layout: 1",
    "state": "ATTACH, DETACH, END, RESTORE: how the call stands: attached, detached or ended",
    "leg": "ATTACH, RESTORE: the number of the newest media stream",
    "stream_sid": "ATTACH, RESTORE: the carrier's id of that stream",
    "token_expires_s": "ATTACH, RESTORE: when its token expires: a newer stream's expires later; wall time",
    "ingress": "ATTACH, RESTORE: the worker that holds its socket, or held it last",
    "attached_at_ms": "ATTACH, RESTORE: when it was opened; wall time",
    "started_at_ms": "ATTACH, RESTORE: when the first one was; wall time",
    "resumes": "ATTACH, RESTORE: media streams after the first one: there is a limit",
    "from": "ATTACH, RESTORE: the caller's number, masked unless a setting says otherwise",
    "to": "ATTACH, RESTORE: the called number, masked likewise",
    "called": "ATTACH, RESTORE: the called number in full: it is ours, and chooses the agent",
    "agent": "ATTACH, RESTORE: the agent that the webhook asked for, if it asked",
    "brain": "ATTACH, CLAIM, RELEASE, DISOWN, RESTORE: the worker that has the role; empty: nobody",
    "brain_epoch": "ATTACH, CLAIM, RESTORE: the number of that ownership: the fence of its writes",
    "brain_claims": "ATTACH, CLAIM, RESTORE: how often the role was claimed: 1 is the first owner",
    "brain_attempts": "ATTACH, CLAIM, RELEASE, RESTORE: claims in a row that did not serve it for long",
    "egress": "ATTACH, CLAIM, RELEASE, DISOWN, RESTORE: as `brain`",
    "egress_epoch": "ATTACH, CLAIM, RESTORE: as `brain_epoch`",
    "egress_claims": "ATTACH, CLAIM, RESTORE: as `brain_claims`",
    "egress_attempts": "ATTACH, CLAIM, RELEASE, RESTORE: as `brain_attempts`",
    "cut": "ATTACH, RESTORE: 0, or what ingress had seen",
    "frame_n": "ATTACH, RESTORE: 0, or what ingress had forwarded",
    "next": "ATTACH, RESTORE: emptied: a stream that is open has no plan",
    "next_arg": "ATTACH, RESTORE: emptied likewise",
    "rescue": "RESCUE: the stream that the carrier was asked for, by whom, until when, or `settled`",
    "restored_at_ms": "RESTORE: when ingress wrote the card again that Redis had lost; wall time",
    "stream_end": "DETACH: how far the stream came that is gone, by its ingress: a StreamEnd",
    "deadline_leg": "CONDEMN, DETACH, DEFER, DISOWN, RELEASE: the stream after which the call ends",
    "deadline_outcome": "CONDEMN, DETACH, DEFER, DISOWN, RELEASE: how it ends then",
    "cause": "CONDEMN, END: why, of a call that nobody had any more, or that a webhook gave up",
    "outcome": "END: how the call ended, in the first comer's word",
    "ended_at_ms": "END: when; wall time",
}
"""What the scripts write, as `script(s): meaning`: compared with them by a test, shown in docs/design.md."""
