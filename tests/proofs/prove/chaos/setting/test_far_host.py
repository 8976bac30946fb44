"""A second host."""

from __future__ import annotations

import asyncio
import os

import pytest

from proofs.prove.chaos.setting.far_host import FarHostRefused, open_host


async def test_a_machine_that_allows_none_says_what_it_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command and the reason."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FarHostRefused, match=r"ip netns add tl.*No such file"):
        async with open_host():
            pytest.fail("there is no host")


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
async def test_what_is_unplugged_is_not_reached_and_nobody_is_told() -> None:
    """A connection that is open stays open on both sides; what is sent meanwhile arrives later."""
    try:
        async with open_host() as host:
            got: asyncio.Queue[bytes] = asyncio.Queue()

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                while data := await reader.read(100):
                    got.put_nowait(data)
                got.put_nowait(b"")
                writer.close()

            server = await asyncio.start_server(serve, host.near_ip, 0)
            port = server.sockets[0].getsockname()[1]
            says = f"exec 3<>/dev/tcp/{host.near_ip}/{port}; while read -r word; do echo $word >&3; done"
            there = await asyncio.create_subprocess_exec(
                "ip", "netns", "exec", host.name, "bash", "-c", says, stdin=asyncio.subprocess.PIPE
            )
            assert there.stdin is not None
            there.stdin.write(b"before\n")
            assert await asyncio.wait_for(got.get(), 10) == b"before\n"
            await host.unplug()
            there.stdin.write(b"meanwhile\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(got.get(), 0.5)
            await host.plug_in()
            assert await asyncio.wait_for(got.get(), 30) == b"meanwhile\n"
            there.kill()
            await there.wait()
            server.close()
    except FarHostRefused as refused:
        pytest.skip(str(refused))
