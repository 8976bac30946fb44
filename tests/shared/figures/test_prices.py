"""What usage costs: the table, a user's own over it, and sums that were worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from shared.contract.bill import usage
from shared.figures import prices
from shared.figures.prices import PricesError
from shared.settings import load

MODEL, WHISPER = "gpt-realtime-2.1", "gpt-realtime-whisper"
OWN = """
as_of = 2027-01-15
[models."gpt-realtime-2.1"]
audio_in = 30
"""


def test_a_call_costs_what_it_costs_by_hand() -> None:
    """Two responses and three turns of a caller, cached text and sound among what was put in.

    text  1,200 in, 1,000 of them cached:   200 × 4.00 + 1,000 × 0.40 =  1,200
    sound 5,000 in, 4,400 of them cached:   600 × 32.00 + 4,400 × 0.40 = 20,960
    out   150 of text, 700 of sound:        150 × 24.00 + 700 × 64.00 = 48,400
    together 70,560 millionths; 42.5 s of a transcriber: 42.5 / 60 × 0.017 = 0.012041666…
    """
    used = (
        usage.used(
            MODEL, requests=2, text_in=1_200, text_cached=1_000, audio_in=5_000, audio_cached=4_400,
            text_out=150, audio_out=700,
        ),
        usage.used(WHISPER, requests=3, sound_ms=42_500),
    )  # fmt: skip
    table = prices.load()

    assert table.cost(used[:1]) == Decimal("0.07056")
    assert table.micros(used) == 70_560 + 12_042


def test_what_is_cached_is_paid_once() -> None:
    """As a part of what was put in: all of it cached costs the cached price, and no other."""
    used = usage.used(MODEL, audio_in=1_000_000, audio_cached=1_000_000)
    assert prices.load().cost((used,)) == Decimal("0.40")


def test_a_model_that_is_not_in_the_table_has_no_cost() -> None:
    """A sum without it would be too small, and look right."""
    table = prices.load()
    assert table.micros((usage.used(MODEL, text_out=5), usage.used("of-our-own", text_out=5))) is None
    assert table.micros(()) == 0


def test_a_snapshot_costs_what_its_model_costs() -> None:
    """By the date behind the name, and by nothing else."""
    table = prices.load()
    assert table.of(f"{MODEL}-2026-05-07") == table.of(MODEL)
    assert table.of(f"{MODEL}-fast") is None
    assert table.of("2026-05-07") is None


def test_a_users_table_goes_first_model_by_model(tmp_path: Path) -> None:
    """A model that it names is its alone; others stay, and the day is its own."""
    file = tmp_path / "prices.toml"
    file.write_text(OWN, "utf-8")
    table = prices.load(str(file))

    assert table.as_of == "2027-01-15"
    assert table.cost((usage.used(MODEL, audio_in=1_000_000, audio_out=9),)) == 30
    assert table.of(WHISPER) == prices.load().of(WHISPER)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("models = 3", "models: expected tables"),
        ("[models]\nm = 3", "models.m: expected a table, got 3"),
        ("[models.m]\naudio = 1", "models.m.audio: expected one of audio_cached"),
        ("[models.m]\naudio_in = -1", "models.m.audio_in: expected a price of 0 or more"),
        ("[models.m]\naudio_in = true", "models.m.audio_in: expected a price"),
        ("[models.m]\naudio_in = 'dear'", "models.m.audio_in: expected a price"),
        ("currency = 'EUR'", "currency: expected USD"),
        ("currency = 3", "currency: expected a word"),
        ("as_of = 3", "as_of: expected a day"),
        ("as_of =", "expected TOML"),
    ],
)
def test_a_slip_in_a_table_is_named(text: str, problem: str, tmp_path: Path) -> None:
    """With the file and the key."""
    file = tmp_path / "prices.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(PricesError) as refused:
        prices.load(str(file))
    assert problem in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    """And not passed over for the one that ships."""
    with pytest.raises(PricesError, match="TRUNKLINE_PRICES_FILE"):
        prices.load(str(tmp_path / "none.toml"))


def test_every_default_model_has_a_price() -> None:
    """Else a call of the default settings has no cost."""
    settings = load(env_file=None)
    assert prices.load().of(settings.model) is not None
    assert prices.load().of(settings.transcription_model) is not None


@pytest.mark.parametrize(
    ("micros", "words"), [(None, "–"), (0, "0.0000 USD"), (41_249, "0.0412 USD"), (12_345_678, "12.3457 USD")]
)
def test_a_cost_for_people(micros: int | None, words: str) -> None:
    """Four digits behind the point: a call costs cents."""
    assert prices.shown(micros) == words
