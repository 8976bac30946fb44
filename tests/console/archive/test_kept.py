"""What is kept of a call, what is not, and the way back."""

from __future__ import annotations

import pytest

from console.archive.kept import KeptCall, pack, row_of, unpack
from shared.contract.entry import to_dict
from shared.contract.errors import ContractError
from shared.contract.streams.history import ItemEntry, KeysPressed, ToolEntry, history_fields
from shared.contract.streams.journal import JournalEntry
from tests.console.archive.samples import SAID, TAG, row

CARD = {
    "state": "ended", "started_at_ms": "1000", "ended_at_ms": "31000", "from": "…89", "to": "…22",
    "caller_tag": TAG, "agent": "sales", "outcome": "hangup", "cause": "end_call", "cost_micros": "41250",
    "profile": '{"voice":"marin"}', "context": '{"say":"Ann Smith"}', "next_arg": "+15550009999",
    "n_frames": "5",
}  # fmt: skip
JOURNAL = [("1000-0", {b"kind": b"attached", b"from": b"ingress-0@h#1"}), ("31000-0", {b"kind": b"ended"})]
HISTORY = [(f"{2_000 + number}-0", to_dict(history_fields(each))) for number, each in enumerate(SAID)]


def there_and_back(*, with_text: bool = True) -> tuple[list[object], dict[str, str], bytes]:
    packed = pack(CARD, JOURNAL, HISTORY, with_text=with_text)
    whole = unpack(row(1), packed)
    return [entry.record for entry in whole.entries], dict(whole.card), packed


def test_the_row_is_what_the_card_says() -> None:
    """By it a call is found."""
    found = row_of("CA1", CARD)
    assert isinstance(found, KeptCall)
    assert (found.lasted_ms, found.agent) == (30_000, "sales")
    assert (found.outcome, found.cause) == ("hangup", "end_call")
    assert (found.caller_tag, found.cost_micros, found.owed_ms, found.response_ms) == (TAG, 41_250, 0, None)


def test_a_call_that_goes_on_is_not_kept() -> None:
    """And a card that cannot be read is an error."""
    assert row_of("CA1", {**CARD, "state": "attached"}) is None
    with pytest.raises(ContractError):
        row_of("CA1", {**CARD, "started_at_ms": "soon"})


def test_entries_come_back_in_the_order_of_time() -> None:
    """Journal and history as one, read by the contract's own readers."""
    records, card, _ = there_and_back()
    first, said, keys, _, _, last = records
    assert isinstance(first, JournalEntry)
    assert isinstance(last, JournalEntry)
    assert (first.kind, first.writer, last.kind) == ("attached", "ingress-0@h#1", "ended")
    assert said == ItemEntry(item_id="u", role="user", text="My card is lost", final=True)
    assert isinstance(keys, KeysPressed)
    assert card["n_frames"] == "5"


def test_what_was_pressed_and_what_tools_were_told_is_not_kept() -> None:
    """A card number's digits; a dialled number; what the agent was told. Nowhere in what is kept."""
    records, card, _ = there_and_back()
    assert [each.text for each in records if isinstance(each, KeysPressed)] == [""]
    assert [each.value for each in records if isinstance(each, ToolEntry)] == ["", ""]
    assert {"profile", "context", "next_arg"}.isdisjoint(card)
    assert "4242" not in repr(records)


def test_without_transcripts_what_was_said_is_not_kept_either() -> None:
    """Who spoke and when is."""
    records, _, _ = there_and_back(with_text=False)
    (said,) = [each for each in records if isinstance(each, ItemEntry)]
    assert (said.role, said.text, said.final) == ("user", "", True)


def test_an_entry_that_nobody_can_read_is_left_out() -> None:
    """What is in it nobody knows."""
    odd = [
        ("2000-0", {b"v": b"9", b"kind": b"item", b"text": b"secret"}),
        ("2001-0", {b"v": b"1", b"kind": b"mood"}),
    ]
    whole = unpack(row(1), pack(CARD, [], odd, with_text=True))
    assert whole.entries == ()


@pytest.mark.parametrize("spoilt", [b"", b"x", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_spoilt_rest_is_an_error(spoilt: bytes) -> None:
    """Of one call: others are read."""
    with pytest.raises(ContractError):
        unpack(row(1), spoilt)
