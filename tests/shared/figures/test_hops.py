"""The time of a hop: by stamps on one host, by the server's ids across hosts."""

from __future__ import annotations

import pytest

from shared.figures.histograms import Histogram
from shared.figures.hops import LEARN_MS, Hop, host_of


def seen(hop: Hop) -> float:
    """What has been observed since the last look."""
    found, hop.histogram.sum = hop.histogram.sum, 0.0
    return found


@pytest.fixture
def hop() -> Hop:
    return Hop(Histogram((1.0,)), "here")


def test_the_host_of_a_worker() -> None:
    """A name of another form has no host."""
    assert host_of("egress-1@far.example#a1b2c3") == "far.example"
    assert host_of("") == ""


def test_on_one_host_the_stamp_tells_the_whole_way(hop: Hop) -> None:
    """The entry's id is not looked at."""
    hop.took(b"999999-0", "here", 1000.0, 1007.5)

    assert seen(hop) == 7.5


def test_across_hosts_ids_tell_what_is_above_the_quickest(hop: Hop) -> None:
    """The clocks differ by anything, and stamps mean nothing."""
    hop.took(b"500000-0", "there", 123.0, 1000.0)
    assert seen(hop) == 0

    hop.took(b"500100-0", "there", 5.0, 1108.0)
    assert seen(hop) == 8.0


def test_a_quicker_entry_is_the_new_measure(hop: Hop) -> None:
    """The first entry may have been a slow one."""
    hop.took(b"500000-0", "there", 0.0, 1010.0)
    hop.took(b"500100-0", "there", 0.0, 1100.0)
    seen(hop)

    hop.took(b"500200-0", "there", 0.0, 1204.0)

    assert seen(hop) == 4.0


def test_clocks_that_drift_apart_are_learnt_again(hop: Hop) -> None:
    """What was quickest long ago says nothing of today's clocks."""
    hop.took(b"500000-0", "there", 0.0, 1000.0)
    for minute in (1, 2, 3):
        later = int(minute * (LEARN_MS + 1))
        hop.took(b"%d-0" % (500_000 + later), "there", 0.0, 1000.0 + later + 50)
    seen(hop)

    hop.took(b"%d-0" % (500_100 + later), "there", 0.0, 1000.0 + later + 151)

    assert seen(hop) == 1.0
