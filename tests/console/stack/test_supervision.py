"""What is asked of a supervisord, by a stand-in that speaks XML-RPC over a Unix socket."""

from __future__ import annotations

import socketserver
import threading
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from xmlrpc.server import SimpleXMLRPCDispatcher, SimpleXMLRPCRequestHandler

import pytest

from console.stack.supervision import SUPERVISOR_ERRORS, ProcessInfo, Supervisor

ROW = {
    "name": "brain-1", "group": "brain", "statename": "RUNNING", "pid": 7, "spawnerr": "",
    "description": "pid 7, uptime 0:00:05", "exitstatus": 3,
    "stdout_logfile": "/l/b.log", "stderr_logfile": "",
}  # fmt: skip


class Handler(SimpleXMLRPCRequestHandler):
    """A Unix socket has no address of the peer and no Nagle."""

    disable_nagle_algorithm = False
    rpc_paths = ("/RPC2",)

    def address_string(self) -> str:
        return "local"


class StandIn(socketserver.UnixStreamServer, SimpleXMLRPCDispatcher):
    """Notes what it is asked."""

    def __init__(self, path: Path) -> None:
        SimpleXMLRPCDispatcher.__init__(self)
        socketserver.UnixStreamServer.__init__(self, str(path), Handler)
        self.logRequests = False
        self.asked: list[tuple[str, ...]] = []

    def _dispatch(self, method: str, params: tuple[object, ...]) -> object:
        self.asked.append((method.removeprefix("supervisor."), *map(str, params)))
        match method:
            case "supervisor.getAllProcessInfo":
                return [
                    ROW,
                    {**ROW, "name": "brain-0", "statename": "FATAL", "pid": 0, "spawnerr": "no file"},
                ]
            case "supervisor.getProcessInfo":
                return ROW
            case "supervisor.startProcess":
                raise xmlrpc.client.Fault(60, "ALREADY_STARTED")
            case _:
                return True


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path / "s.sock") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_processes_as_they_are(stand_in: StandIn, tmp_path: Path) -> None:
    """What could not be started says why."""
    up, down = Supervisor(tmp_path / "s.sock").processes()
    assert up == ProcessInfo(
        name="brain-1",
        group="brain",
        state="RUNNING",
        pid=7,
        text="pid 7, uptime 0:00:05",
        exit_status=3,
        log="/l/b.log",
    )
    assert (up.is_down, down.is_down, down.text) == (False, True, "no file")
    assert Supervisor(tmp_path / "s.sock").process("brain", "brain-1") == up


def test_what_is_waited_for_and_what_is_not(stand_in: StandIn, tmp_path: Path) -> None:
    """supervisord's own flag: a drain takes longer than one connection should last."""
    supervisor = Supervisor(tmp_path / "s.sock")
    supervisor.stop("brain", "brain-0")
    supervisor.ask_stop("brain", "brain-0")
    supervisor.stop_group("brain")
    assert stand_in.asked == [
        ("stopProcess", "brain:brain-0"),
        ("stopProcess", "brain:brain-0", "False"),
        ("stopProcessGroup", "brain", "False"),
    ]


def test_a_refusal_is_one_of_the_errors(stand_in: StandIn, tmp_path: Path) -> None:
    """As is a supervisord that is not there."""
    with pytest.raises(SUPERVISOR_ERRORS):
        Supervisor(tmp_path / "s.sock").ask_start("brain", "brain-1")
    with pytest.raises(SUPERVISOR_ERRORS):
        Supervisor(tmp_path / "none.sock").processes()


def test_numbers_of_names() -> None:
    """Two digits too; a name without a number has none."""
    info = ProcessInfo(name="brain-12", group="brain", state="RUNNING", pid=1, text="")
    assert info.number == 12
    with pytest.raises(ValueError, match="valkey"):
        _ = ProcessInfo(name="valkey", group="valkey", state="RUNNING", pid=1, text="").number
