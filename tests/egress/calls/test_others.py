"""What brain and ingress say of a call: whose word it is, how old it is, and what cannot be read."""

from __future__ import annotations

import dataclasses

import pytest

from egress.calls.others import Others
from shared.contract import record
from shared.contract.card import CallState
from shared.contract.views import WindowsView
from shared.contract.window import dump
from shared.figures.diagnosis import RoleFigures
from tests.support.window_samples import brain_window, ingress_window

BRAIN = brain_window(lag_ms=2.0, redis_ms=3.0, redis_refusal="NOPERM", quiet_ms=40.0, skipped=5)
INGRESS = ingress_window(lag_ms=4.0, redis_ms=6.0)
CARD = {
    "state": CallState.ATTACHED.value, "brain": BRAIN.worker, "ingress": INGRESS.worker,
    "w_brain": dump(BRAIN), "w_ingress": dump(INGRESS),
}  # fmt: skip


def read(
    others: Others, now_ms: float, card: dict[str, str], *, leg: int = 1, is_blind: bool = False
) -> list[tuple[str, str]]:
    """Reads a card; (field, worker) of what cannot be read."""
    values = [None if name not in card else card[name].encode() for name in record.names(WindowsView)]
    found = others.read(values, leg, now_ms, is_detached=False, is_blind=is_blind)
    return [(unreadable.error.field, unreadable.worker) for unreadable in found]


def roles(others: Others) -> list[str]:
    return [each.role for each in others.figures(is_detached=False)]


def test_what_the_owners_said_is_known() -> None:
    """Their figures, and that they are new."""
    others = Others(0.0)

    assert read(others, 3_000.0, CARD) == []

    assert (others.brain.window, others.ingress.window) == (BRAIN, INGRESS)
    assert others.brain.is_new
    assert others.figures(is_detached=False) == [
        RoleFigures(role="ingress", lag_ms=4.0, redis_ms=6.0, age_ms=0.0),
        RoleFigures(role="brain", lag_ms=2.0, redis_ms=3.0, age_ms=0.0, redis_refusal="NOPERM"),
    ]


def test_the_same_word_grows_old() -> None:
    """On our clock; what it counted is counted once."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)
    others.close_window()

    read(others, 6_000.0, CARD)

    assert (others.brain.age_ms, others.brain.is_new) == (3_000.0, False)
    assert others.brain.window == BRAIN
    read(others, 9_000.0, {**CARD, "w_brain": dump(dataclasses.replace(BRAIN, at_ms=2))})
    assert (others.brain.age_ms, others.brain.is_new) == (0.0, True)


def test_another_owner_has_said_nothing_yet() -> None:
    """What stands there is of the one before, and the new one has time from now on."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)

    read(others, 9_000.0, {**CARD, "brain": "brain-1@h#2"})

    assert others.brain.window is None
    assert others.brain.age_ms == 0.0
    assert others.figures(is_detached=False)[1].lag_ms is None


def test_a_new_leg_has_an_ingress_of_its_own() -> None:
    """Even by the same worker."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)

    read(others, 9_000.0, CARD, leg=2)

    assert (others.ingress.age_ms, others.ingress.is_new) == (0.0, True)
    assert others.brain.age_ms == 6_000.0


@pytest.mark.parametrize(
    ("card", "names"),
    [
        ({**CARD, "brain": ""}, ["ingress"]),
        ({**CARD, "ingress": ""}, ["brain"]),
        ({**CARD, "state": CallState.DETACHED.value}, ["brain"]),
        ({}, []),
    ],
)
def test_a_role_that_nobody_has_is_not_there(card: dict[str, str], names: list[str]) -> None:
    """Without a stream nobody in ingress has the call; without a card nobody at all."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)

    assert read(others, 6_000.0, card) == []

    assert roles(others) == names


def test_a_stream_that_is_gone_since_has_no_ingress() -> None:
    """The card is read once a window; egress is told at once."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)

    assert [each.role for each in others.figures(is_detached=True)] == ["brain"]


def test_what_cannot_be_read_is_nothing_and_does_not_grow_old() -> None:
    """It is told with the field and its writer."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)
    spoilt = {**CARD, "w_brain": dump(BRAIN).replace("quiet_ms", "silence_ms")}

    found = [read(others, now_ms, spoilt) for now_ms in (6_000.0, 20_000.0)]

    assert found == [[("quiet_ms", BRAIN.worker)]] * 2
    assert (others.brain.window, others.brain.age_ms, others.brain.is_new) == (None, 0.0, False)
    assert roles(others) == ["ingress", "brain"]


def test_what_an_owner_before_left_unreadable_is_not_told_of_the_present_one() -> None:
    """A roll: the older brain wrote less. The new one has not spoken, and grows old by that."""
    others = Others(0.0)
    left = {**CARD, "brain": "brain-1@h#2", "w_brain": dump(BRAIN).replace("quiet_ms", "silence_ms")}

    assert [read(others, now_ms, left) for now_ms in (3_000.0, 6_000.0)] == [[], []]

    assert others.brain.age_ms == 3_000.0


def test_what_names_no_writer_is_told_of_the_owner() -> None:
    """Nobody else has reason to write there."""
    assert read(Others(0.0), 3_000.0, {**CARD, "w_ingress": "{"}) == [("JSON", INGRESS.worker)]


def test_a_card_that_cannot_be_read_names_nobody() -> None:
    """Neither an owner nor a writer."""
    others = Others(0.0)

    assert read(others, 3_000.0, {**CARD, "state": "singing"}) == [("state", "")]

    assert roles(others) == []


def test_silence_while_redis_was_away_is_nobodys() -> None:
    """They may well have spoken: their words are as old as our first look at them."""
    others = Others(0.0)
    read(others, 3_000.0, CARD)

    read(others, 20_000.0, CARD, is_blind=True)

    assert others.brain.age_ms == others.ingress.age_ms == 0.0
    assert others.brain.window == BRAIN
