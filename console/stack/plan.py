"""What a stack is: its options, its ports, the environment of its roles, its supervisord file.

Owns: how a run differs from the files in deploy/ (ports, socket, logs, number of workers, interpreter) and
the environment that connects the processes with each other. It reads the files in deploy/ and has no other
effect. Must not know: how processes are started.
"""

from __future__ import annotations

import configparser
import io
import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from shared.contract.worker import ROLES
from shared.forms import LOOPBACK_HOSTS
from shared.settings import Settings, environment_name, role_redis_name

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "deploy"

VALKEY, REALTIME, PORT, WATCHDOG = "valkey", "realtime", "port", "watchdog"
RECORDER = "recorder"
CONSOLE = ("archive", RECORDER, "web")
"""What looks at calls and keeps them (deploy/programs.d/console.conf)."""

SOCKET_WORD = "%(ENV_INGRESS_SOCKET)s"
"""What deploy/trunkline.conf says in production, in the commands of `port` and `ingress`."""

SECTION_KINDS = ("program", "eventlistener")
"""What supervisord calls the sections of things that it runs."""

DEMO_PUBLIC_URL = "https://demo.trunkline.test"

CALL_COMES_IN = "/voice#ct=2000&rt=4000&rc=2&rp=all"
"""The webhook as Twilio is given it: what stands behind # stays there, and makes it try again, twice, after 2
s without a connection or 4 s without an answer."""

SIMULATED_API_KEY = "simulated"
"""What the roles give the simulator as API key; it takes any."""

LAST_WRITES_S = 20.0
"""From the end of a drain to the end of a process at the latest: calls moved, last writes, own keys."""

MARKER = "TRUNKLINE_STACK"
"""Stands with the stack's own id in the environment of all that it starts, so that what it started can be
found again even if supervisord died first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """What the user of a stack may choose; every field has a default that works."""

    name: str = "stack"
    """Part of the run folder's name."""
    workers: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 2))
    """Number of processes of each role; a role that is missing or 0 is left out."""
    redis_url: str = ""
    """A Redis of your own. Empty: an embedded Valkey."""
    role_redis_urls: Mapping[str, str] = field(default_factory=dict)
    """The Redis of a role's processes, where they log in as a user of their own."""
    model_base_url: str = ""
    """Base URL of a Realtime API or of a simulator in your own process. Empty: a simulator process."""
    model_api_key: str = SIMULATED_API_KEY
    simulator_args: tuple[str, ...] = ()
    """More words for the command line of the simulator process."""
    public_url: str = DEMO_PUBLIC_URL
    auth_token: str = ""
    """Twilio auth token(s). Empty: one is made."""
    port: int = 0
    """Public port of the ingress processes. 0: a free one."""
    admin_base: int = 0
    """First admin port. 0: free ones."""
    admin_base_is_set: bool = False
    """Somebody has said so: where another process has one of these ports, no others will do."""
    host: str = ""
    """Address that the public port listens on, IPv4 or a name. Empty: loopback if nobody outside can know
    the public URL, else every address."""
    host_name: str = ""
    """TRUNKLINE_HOST_NAME of the roles: two stacks on one machine that stand for two hosts differ in it."""
    watchdog: bool = False
    """Whether the watchdog of production runs too. Tests freeze processes for longer than it would bear."""
    web: bool = False
    """Whether the web console and the archive run too. No call needs them: nobody waits for them to start."""
    web_port: int = 0
    """Port of the web console. 0: a free one."""
    drain_s: float = 5.0
    """TRUNKLINE_DRAIN_S of the roles: how long live calls may go on after the stack is told to stop."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for all processes; these win over everything else."""
    run_dir: Path | None = None
    """Folder for the supervisord file, logs and the socket. None: a new one below .build/run."""
    directory: Path | None = None
    """Working folder of the processes, where they look for `.env`. None: the run folder, which has none."""
    commands: Mapping[str, str] = field(default_factory=dict)
    """Program name → another command line (stand-ins, profilers); `%(process_num)d` is the number."""
    ready_timeout_s: float = 60.0
    """Generous: the first start on a machine compiles all that is imported."""
    stop_together: bool = False
    """Stop the roles all at once, not ingress first: some seconds faster, and right only when no call is
    live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the stack listens, all on this machine."""

    public: int
    admin_base: int
    redis: int
    realtime: int
    web: int = 0
    """0: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A process that the stack shall have: supervisord's name for it and where to ask whether it is ready."""

    name: str
    """`brain-0`, `valkey`."""
    group: str
    """supervisord's group: the program's name."""
    port: int
    """Admin port of a role, or the port on which the process listens."""
    has_readyz: bool


def with_valkey(options: StackOptions) -> bool:
    """Whether a Valkey is embedded."""
    return not options.redis_url


def with_realtime(options: StackOptions) -> bool:
    """Whether the simulator of the model is."""
    return not options.model_base_url


def redis_url(options: StackOptions, ports: Ports) -> str:
    """Where Redis is."""
    return options.redis_url or f"redis://127.0.0.1:{ports.redis}/0"


def model_base_url(options: StackOptions, ports: Ports) -> str:
    """Where the model is."""
    return options.model_base_url or f"http://127.0.0.1:{ports.realtime}/v1"


def expected_processes(options: StackOptions, ports: Ports) -> list[Expected]:
    """All processes that calls need, in the order in which supervisord starts them."""
    found = []
    if with_valkey(options):
        found.append(Expected(name=VALKEY, group=VALKEY, port=ports.redis, has_readyz=False))
    if with_realtime(options):
        found.append(Expected(name=REALTIME, group=REALTIME, port=ports.realtime, has_readyz=False))
    for role in reversed(ROLES):
        for number in range(options.workers.get(role, 0)):
            port = admin_port(ports, role, number)
            found.append(Expected(name=f"{role}-{number}", group=role, port=port, has_readyz=True))
    return found


def admin_port(ports: Ports, role: str, number: int) -> int:
    """Admin port of a process, by the rule that the roles themselves use."""
    settings = Settings(_env_file=None, admin_port_base=ports.admin_base)
    return settings.admin_port(role, number)


def admin_span(options: StackOptions) -> int:
    """How many ports in a row, from the admin base, the roles use."""
    base = 20_000
    ports = Ports(public=0, admin_base=base, redis=0, realtime=0)
    return 1 + max(admin_port(ports, role, max(1, options.workers.get(role, 0)) - 1) for role in ROLES) - base


def environment(
    options: StackOptions, ports: Ports, *, auth_token: str, stack_id: str, inherited: Mapping[str, str]
) -> dict[str, str]:
    """The environment of supervisord and so of every process: what connects them, over what we inherited."""
    own: dict[str, str] = {
        "redis_url": redis_url(options, ports),
        "openai_base_url": model_base_url(options, ports),
        "openai_api_key": options.model_api_key,
        "public_url": options.public_url,
        "twilio_auth_token": auth_token,
        "port": str(ports.public),
        "host": listen_host(options),
        "admin_port_base": str(ports.admin_base),
        "drain_s": f"{options.drain_s:g}",
    }
    if options.host_name:
        own["host_name"] = options.host_name
    if options.web:
        own["web_port"] = str(ports.web)
    if urlsplit(model_base_url(options, ports)).hostname in LOOPBACK_HOSTS:
        # A simulator: its conversations ask for this tool.
        own["demo_tools"] = "true"
    merged = {**inherited, **{environment_name(field): value for field, value in own.items()}}
    merged["PYTHONUNBUFFERED"] = "1"
    merged["PYTHONPATH"] = _with_path(str(REPOSITORY), inherited.get("PYTHONPATH", ""))
    merged[MARKER] = stack_id
    if with_valkey(options):
        # The user's own Redis of a role would stand before ours, and has real calls in it.
        merged.update(dict.fromkeys(map(role_redis_name, (*ROLES, RECORDER)), ""))
    return {**merged, **options.environment}


def listen_host(options: StackOptions) -> str:
    """Address of the public port. Raises ValueError for one that supervisord cannot listen on."""
    if ":" in options.host:
        raise ValueError(
            f"TRUNKLINE_HOST: expected an IPv4 address or a name, which is all that supervisord listens on,"
            f" got {options.host}. For IPv6, put a proxy in front (docs/scaling.md)."
        )
    if options.host:
        return options.host
    if options.public_url.split("://")[-1].split(":")[0] in LOOPBACK_HOSTS or _is_made_up(options.public_url):
        return "127.0.0.1"  # Nobody outside this machine is meant to reach it.
    return str(Settings.model_fields["host"].get_default())


def public_socket(options: StackOptions, ports: Ports) -> str:
    """As deploy/trunkline.conf spells it. Raises ValueError for one that cannot be listened on."""
    return f"tcp://{listen_host(options)}:{ports.public}"


def supervisord_file(
    options: StackOptions, ports: Ports, *, run_dir: Path, socket: Path, python: str, deploy: Path = DEPLOY
) -> str:
    """The text of the run's own supervisord file: deploy/demo.conf and programs.d, fitted to this run.

    Raises ValueError for a host that supervisord cannot listen on, OSError if a file is not there.
    """
    programs = [
        "roles.conf",
        *(["watchdog.conf"] if options.watchdog else []),
        *(["console.conf"] if options.web else []),
    ]
    parsed = _read(deploy / "demo.conf", *(deploy / "programs.d" / name for name in programs))
    parsed.remove_section("include")
    folder = _literal(run_dir)
    for section, option, value in (
        ("supervisord", "logfile", f"{folder}/supervisord.log"),
        ("supervisord", "pidfile", f"{folder}/supervisord.pid"),
        ("supervisord", "childlogdir", folder),
        ("unix_http_server", "file", _literal(socket)),
        ("supervisorctl", "serverurl", f"unix://{_literal(socket)}"),
    ):
        parsed.set(section, option, value)
    if not with_valkey(options):
        parsed.remove_section(f"program:{VALKEY}")
    if not with_realtime(options):
        parsed.remove_section(f"program:{REALTIME}")
    if not options.workers.get("ingress", 0):
        parsed.remove_section(f"program:{PORT}")
    for section in parsed.sections():
        kind, _, name = section.partition(":")
        if kind in SECTION_KINDS and name in ROLES:
            _fit_role(parsed, section, name, options, ports)
        elif name in CONSOLE:
            parsed.set(section, "numprocs", "1")
    for section in parsed.sections():
        if section.partition(":")[0] in SECTION_KINDS:
            _fit_program(parsed, section, options, ports, folder, python)
    text = io.StringIO()
    parsed.write(text)
    return f"; Made by console/stack/launcher.py from {_literal(deploy)} for one run.\n\n{text.getvalue()}"


# Private.


def _is_made_up(public_url: str) -> bool:
    """RFC 2606 keeps .test for names that no resolver knows."""
    return public_url.endswith(".test")


def _with_path(first: str, rest: str) -> str:
    return f"{first}:{rest}" if rest else first


def _read(*files: Path) -> configparser.RawConfigParser:
    parsed = configparser.RawConfigParser(inline_comment_prefixes=(" ;",), strict=True)
    for file in files:
        with file.open(encoding="utf-8") as opened:
            parsed.read_file(opened)
    return parsed


def _literal(path: Path) -> str:
    """A path as supervisord's files want it: a percent sign would begin an expansion."""
    return str(path).replace("%", "%%")


def _fit_role(
    parsed: configparser.RawConfigParser, section: str, role: str, options: StackOptions, ports: Ports
) -> None:
    """What deploy/trunkline.conf says of a role in production, said for this run."""
    count = options.workers.get(role, 0)
    if count == 0:
        parsed.remove_section(section)
        return
    parsed.set(section, "numprocs", str(count))
    parsed.set(section, "stopwaitsecs", str(math.ceil(options.drain_s + LAST_WRITES_S)))
    own_redis = options.role_redis_urls.get(role, "")
    if own_redis:
        inherited, name = parsed.get(section, "environment"), role_redis_name(role)
        value = own_redis.replace("%", "%%")  # One alone would begin an expansion.
        parsed.set(section, "environment", f'{inherited},{name}="{value}"')


def _fit_program(
    parsed: configparser.RawConfigParser,
    section: str,
    options: StackOptions,
    ports: Ports,
    folder: str,
    python: str,
) -> None:
    kind, _, name = section.partition(":")
    _, _, arguments = parsed.get(section, "command").partition(" ")
    if name == REALTIME:
        arguments = arguments.partition("--port")[0] + f"--port {ports.realtime}"
        arguments = " ".join([arguments, *map(shlex.quote, options.simulator_args)])
    command = options.commands.get(name, f"{shlex.quote(_literal(Path(python)))} {arguments}")
    parsed.set(section, "command", command.replace(SOCKET_WORD, public_socket(options, ports)))
    # supervisord's own working folder holds for all: the launcher chose it.
    parsed.remove_option(section, "directory")
    log = parsed.get(section, "process_name")
    # What an event listener says on stdout is for supervisord.
    stream = "stderr_logfile" if kind == "eventlistener" else "stdout_logfile"
    parsed.set(section, stream, f"{folder}/{log}.log")
