"""The fence: what is old is dropped, whoever sends it, however often."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingress.calls.fence import Admit, Fence
from shared.contract.streams.pairs import Name

CALL = "CA" + "1" * 32


def name(kind: str, *, leg: int = 1, epoch: int = 1, cut: int = 0, n: int = 0) -> Name:
    return Name(kind, CALL, leg, epoch, cut, n)


def test_frames_pass_once_and_in_order() -> None:
    """A repeated or older frame number is dropped."""
    fence = Fence(1)
    found = [fence.admit(name("frame", n=n)) for n in (1, 2, 2, 1, 3)]
    assert found == [Admit.PASS, Admit.PASS, Admit.REPEATED, Admit.REPEATED, Admit.PASS]
    assert fence.last_frame == 3


def test_other_legs_are_dropped() -> None:
    """An older leg has no socket any more; a newer one has it elsewhere."""
    fence = Fence(2)
    for kind in ("frame", "mark", "clear", "attach", "close"):
        assert fence.admit(name(kind, leg=1, n=1)) is Admit.OLD_LEG
        assert fence.admit(name(kind, leg=3, n=1)) is Admit.OLD_LEG


def test_new_leg_goes_on_counting() -> None:
    """Frame numbers rise over the whole call."""
    fence = Fence(1)
    fence.admit(name("frame", n=10))
    fence.raise_leg(2)
    assert fence.admit(name("frame", leg=2, n=10)) is Admit.REPEATED
    assert fence.admit(name("frame", leg=2, n=11)) is Admit.PASS
    with pytest.raises(ValueError, match="above 2"):
        fence.raise_leg(2)


def test_old_egress_is_silenced() -> None:
    """Once a new egress has spoken or attached, the old one is not heard."""
    fence = Fence(1)
    fence.admit(name("frame", epoch=1, n=5))
    assert fence.admit(name("attach", epoch=2)) is Admit.PASS
    assert fence.last_frame == 5
    for kind in ("frame", "mark", "clear", "attach"):
        assert fence.admit(name(kind, epoch=1, cut=9, n=6)) is Admit.OLD_EPOCH
    assert fence.admit(name("frame", epoch=2, n=6)) is Admit.PASS


def test_clear_ends_lower_cuts() -> None:
    """After a clear, frames and marks of the interrupted reply are dropped."""
    fence = Fence(1)
    fence.admit(name("frame", cut=0, n=1))
    assert fence.admit(name("clear", cut=1, n=1)) is Admit.PASS
    assert fence.admit(name("frame", cut=0, n=2)) is Admit.OLD_CUT
    assert fence.admit(name("mark", cut=0, n=2)) is Admit.OLD_CUT
    assert fence.admit(name("frame", cut=1, n=2)) is Admit.PASS


def test_repeated_clear_does_not_wipe_what_followed() -> None:
    """A clear sent again before audio is harmless, after audio it is dropped."""
    fence = Fence(1)
    assert fence.admit(name("clear", cut=1)) is Admit.PASS
    assert fence.admit(name("clear", cut=1)) is Admit.PASS
    fence.admit(name("frame", cut=1, n=1))
    assert fence.admit(name("clear", cut=1)) is Admit.REPEATED
    assert fence.admit(name("clear", cut=0)) is Admit.OLD_CUT


def test_frame_of_a_new_cut_ends_the_old_one() -> None:
    """A higher cut is itself a flush, also when its clear was lost."""
    fence = Fence(1)
    fence.admit(name("frame", cut=3, n=1))
    assert fence.admit(name("frame", cut=2, n=2)) is Admit.OLD_CUT


def test_late_mark_passes() -> None:
    """A mark proves playback whenever it is sent."""
    fence = Fence(1)
    fence.admit(name("frame", n=9))
    assert fence.admit(name("mark", n=3)) is Admit.PASS


def test_brain_has_its_own_epoch() -> None:
    """`close` of an old brain is dropped; egress epochs do not matter to it."""
    fence = Fence(1)
    fence.admit(name("frame", epoch=9, n=1))
    assert fence.admit(name("owes", epoch=2)) is Admit.PASS
    assert fence.admit(name("close", epoch=1)) is Admit.OLD_EPOCH
    assert fence.admit(name("close", epoch=2)) is Admit.PASS
    assert fence.egress_epoch == 9


def test_a_pause_passes_until_frames_have_come_behind_it() -> None:
    """It raises no cut: what comes again is of the same one."""
    fence = Fence(1)
    fence.admit(name("frame", cut=2, n=5))
    assert fence.admit(name("pause", cut=2, n=5)) is Admit.PASS
    assert fence.admit(name("pause", cut=2, n=5)) is Admit.PASS
    assert fence.admit(name("frame", cut=2, n=6)) is Admit.PASS
    assert fence.admit(name("pause", cut=2, n=5)) is Admit.REPEATED
    assert fence.admit(name("pause", cut=1, n=6)) is Admit.OLD_CUT
    assert fence.admit(name("pause", cut=2, n=6, epoch=2)) is Admit.PASS
    assert fence.admit(name("frame", cut=2, n=7)) is Admit.OLD_EPOCH
    assert fence.admit(name("pause", cut=2, n=9)) is Admit.OLD_EPOCH


def test_what_a_caller_hears_while_they_wait_is_the_brains_word() -> None:
    """By its epoch; it raises nothing of the reply."""
    fence = Fence(1)
    assert fence.admit(Name("fill", CALL, 1, 5, 0, 800)) is Admit.PASS
    assert fence.admit(Name("fill", CALL, 1, 4, 0, 800)) is Admit.OLD_EPOCH
    assert (fence.brain_epoch, fence.egress_epoch, fence.last_frame) == (5, 0, 0)


def test_unknown_kind() -> None:
    """A kind of a newer version is counted, not guessed."""
    assert Fence(1).admit(name("fade")) is Admit.UNKNOWN_KIND


NAMES = st.builds(
    Name,
    st.sampled_from(["frame", "clear", "mark", "pause", "attach", "close", "owes"]),
    st.just(CALL),
    st.integers(1, 2),
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(0, 6),
)


@given(st.lists(NAMES, max_size=40))
def test_nothing_heard_ever_goes_back(names: list[Name]) -> None:
    """Of what passes: frame numbers rise; epochs, and cuts from frame to frame, never fall."""
    fence = Fence(1)
    passed = [item for item in names if fence.admit(item) is Admit.PASS]
    frames = [item for item in passed if item.kind == "frame"]
    assert all(a.n < b.n for a, b in itertools.pairwise(frames))
    cuts = [item.cut for item in passed if item.kind in ("frame", "clear")]
    epochs = [item.epoch for item in passed if item.kind in ("frame", "clear", "mark", "pause", "attach")]
    assert cuts == sorted(cuts)
    assert epochs == sorted(epochs)
    assert all(item.leg == 1 for item in passed)
