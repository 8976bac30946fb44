"""What a crash leaves is found where it would be."""

from __future__ import annotations

from pathlib import Path

from proofs.prove.hostile.crashes import CRASHES, Crashed, folders_of, images
from shared.contract.worker import ROLES

ALL = ["x-0"] * len(CRASHES) * len(ROLES)


def test_an_image_is_looked_for_where_the_kernel_puts_it(tmp_path: Path) -> None:
    """Beside the process, or where the pattern says; a program that gets it is somebody else's."""
    assert folders_of("core\n", tmp_path) == [tmp_path]
    assert folders_of("/var/crash/core.%p", tmp_path) == [tmp_path, Path("/var/crash")]
    assert folders_of("|/usr/lib/systemd/systemd-coredump %P", tmp_path) == [tmp_path]


def test_an_image_is_a_file_of_that_name(tmp_path: Path) -> None:
    """A folder is none, nor is a log."""
    (tmp_path / "core.17").touch()
    (tmp_path / "brain-0.log").touch()
    (tmp_path / "corelib").mkdir()
    assert images([tmp_path]) == {tmp_path / "core.17"}


def test_what_is_left_is_a_broken_promise() -> None:
    """And so is a crash that was none."""
    assert Crashed(processes=ALL).broken == []
    assert Crashed(processes=ALL, images=["/x/core.17"]).broken == ["a crash has left /x/core.17"]
    assert Crashed(processes=ALL[1:]).broken == ["5 of 6 processes crashed"]
