"""The page of one call: its parts, what is hidden in them, how large it may become."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable

import pytest

from console.calls.live import AnyCall
from console.calls.watching import Entry
from console.web.hiding import DOTS, Shows
from console.web.oncall import JOURNAL_MOST, LINES_MOST, TURNS_MOST, Asked, CallPage, page_of
from console.web.reading import Told
from shared.contract.bill import usage
from shared.contract.card import CallState, TalkPhase
from shared.contract.streams.history import ItemEntry
from shared.contract.streams.journal import Kind
from shared.figures import prices
from tests.support.story_samples import BEGAN_MS, HOSTILE, SIX_WORDS, reply, said, voice, whole_call
from tests.support.top_samples import call, crew, unreadable_call

NEITHER, BOTH = Shows.of(""), Shows.of("text, numbers")
PRICES = prices.load("")
USED = usage.dump([usage.used("gpt-realtime-2.1", audio_in=1_500, audio_cached=1_200, audio_out=90)])


def page(
    entries: Iterable[Entry] = (), of: AnyCall | None = None, *, shows: Shows = BOTH, kept: bool = False,
    **asked: object,
) -> CallPage:  # fmt: skip
    """Of a live call that began with the samples and is 30 s old."""
    told = Told(
        call=of or call(0, started_at_ms=BEGAN_MS),
        entries=sorted(entries, key=lambda entry: entry.at_ms),
        is_kept=kept,
    )
    wanted = Asked(**asked)  # type: ignore[arg-type]
    return page_of(told, wanted, shows, PRICES, BEGAN_MS + 30_000)


def facts(of: CallPage) -> dict[str, str]:
    return {name: words for name, words, _ in of.facts}


def test_a_live_call_has_all_its_parts() -> None:
    """Figures, turns, words, journal, the picture of its last minute."""
    one = call(0, started_at_ms=BEGAN_MS, phase=TalkPhase.THINKING.value, response_ms=640)
    found = page(whole_call(), one)
    assert found.is_live
    assert (found.span, found.from_ms, found.to_ms) == ("1m", 0, 30_000)
    told = facts(found)
    assert (told["phase"], told["last response"], told["length"]) == ("thinks", "640ms", "30s")
    assert [row.number for row in found.turns] == list(range(1, len(found.turns) + 1))
    assert any(row.unheard for row in found.said)
    assert [row.kind for row in found.journal][-1] == Kind.ENDED
    assert found.picture.startswith("<svg")


def test_a_call_that_is_over_says_why() -> None:
    """And shows all of it at once."""
    over = call(
        0, started_at_ms=BEGAN_MS, state=CallState.ENDED, ended_at_ms=BEGAN_MS + 30_000, outcome="hangup",
        cause="end_call",
    )  # fmt: skip
    found = page(whole_call(), over)
    assert (found.is_live, found.span) == (False, "whole")
    assert facts(found)["ended"] == "we hung up: the agent said goodbye"
    assert "phase" not in facts(found)


def test_one_of_the_archive_is_over_whatever_its_card_says() -> None:
    """Nothing can be done to it any more."""
    found = page(whole_call(), kept=True)
    assert (found.is_live, found.is_kept, found.length_ms) == (False, True, 30_000)


def test_a_call_in_trouble_says_it_first() -> None:
    """In the words of the other screens."""
    found = page(of=call(5, crew=crew(egress_0=27_000)))
    assert found.facts[0] == ("trouble", "egress-0 is gone: caller hears nothing", True)


def test_a_card_that_cannot_be_read_hides_no_entries() -> None:
    """What was written of the call can be."""
    found = page(whole_call(), unreadable_call(7))
    assert found.problem
    assert found.is_live
    assert len(found.journal) > 10


def test_words_and_numbers_are_hidden_everywhere() -> None:
    """Of a tool the name stays: it is no word of the conversation."""
    one = call(0, started_at_ms=BEGAN_MS, from_number="+15550006789", to_number="+15550001122")
    hidden = page(whole_call(), one, shows=NEITHER)
    text = json.dumps(dataclasses.asdict(hidden), default=str)
    for secret in ("Where is my order", SIX_WORDS[:13], "15550006789", "15550001122"):
        assert secret not in text, secret
    assert {row.heard for row in hidden.said if row.who in ("caller", "agent")} <= {DOTS, ""}
    assert "check_order" in text
    open_text = json.dumps(dataclasses.asdict(page(whole_call(), one)), default=str)
    assert "Where is my order" in open_text
    assert "15550006789" in open_text


def test_the_journal_can_be_searched_by_kind() -> None:
    """Part of a kind is enough."""
    kinds = {row.kind for row in page(whole_call(), kinds="tool").journal}
    assert kinds == {Kind.TOOL_STARTED, Kind.TOOL_FINISHED}
    assert page(whole_call(), kinds=HOSTILE).journal == ()


@pytest.mark.parametrize(
    ("span", "at_ms", "shown"),
    [("whole", None, (0, 300_000)), ("5m", None, (0, 300_000)), ("1m", None, (240_000, 300_000)),
     ("1m", 30_000, (30_000, 90_000)), ("nonsense", None, (240_000, 300_000))],
)  # fmt: skip
def test_a_part_of_the_picture_is_asked_for(span: str, at_ms: int | None, shown: tuple[int, int]) -> None:
    """A word that is none is as if nothing had been asked."""
    entries = [entry for entry in whole_call() if entry.fields.get("kind") != Kind.ENDED]
    told = Told(call=call(0, started_at_ms=BEGAN_MS), entries=entries)
    found = page_of(told, Asked(span=span, at_ms=at_ms), BOTH, PRICES, BEGAN_MS + 300_000)
    assert (found.from_ms, found.to_ms) == shown


def test_a_bill_has_a_row_a_model() -> None:
    """With what each costs, and of which day the prices are."""
    found = page(of=call(0, usage=USED, cost_micros=41_260))
    (row,) = found.used
    assert (row.used.audio_in, row.used.audio_cached, found.cost) == (1_500, 1_200, "0.0413 USD")
    assert row.cost.endswith(" USD")
    assert found.priced == PRICES.as_of


def test_a_bill_that_nobody_can_read_is_none() -> None:
    """The page is there all the same."""
    found = page(of=call(0, usage="no list", cost_micros=None))
    assert (found.used, found.cost) == ((), "–")


def long_call() -> list[Entry]:
    """An hour, a turn every ten seconds."""
    entries: list[Entry] = []
    for number in range(360):
        at_ms = number * 10_000
        entries += voice(at_ms, at_ms + 2_000, f"u{number}")
        entries += reply(number, at_ms + 2_600, at_ms + 4_000, at_ms + 3_000, at_ms + 9_000)
        asked, told = "what about it " * 5, "well " * 20
        entries += [
            said(at_ms + 2_700, ItemEntry(item_id=f"u{number}", role="user", text=asked, final=True)),
            said(at_ms + 3_000, ItemEntry(item_id=f"i{number}", role="assistant", text=told, final=True)),
        ]
    return entries


def test_a_page_of_a_long_call_is_bounded_and_its_download_is_not() -> None:
    """The newest of each list."""
    entries = long_call()
    found = page(entries)
    assert (len(found.turns), len(found.said), len(found.journal)) == (TURNS_MOST, LINES_MOST, JOURNAL_MOST)
    assert found.turns[-1].number == 360
    assert found.left_out > 1_000
    whole = page(entries, is_whole=True)
    assert (len(whole.turns), len(whole.said)) == (360, 720)
