"""`trunkline recorder`: one a host, ended by a signal, and what it is set to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from shared.exit_codes import Exit
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(60)
async def test_it_runs_until_it_is_told_to_end(valkey_url: str, tmp_path: Path) -> None:
    """Its folder is there, and a second one leaves by itself."""
    environment = {
        **os.environ, "REDIS_URL": valkey_url, "TRUNKLINE_RECORDINGS": str(tmp_path / "recordings"),
        "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path),
    }  # fmt: skip

    async def begin() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "console.recorder", cwd=tmp_path, env=environment,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    first = await begin()
    try:
        await wait_until((tmp_path / "recordings").is_dir, "it runs", timeout_s=20)
        second = await begin()
        assert await asyncio.wait_for(second.wait(), 20) == Exit.SECOND_COPY
    finally:
        first.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(first.wait(), 20) == Exit.OK
