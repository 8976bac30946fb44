"""`trunkline run`: the stack in the foreground, and what to do with it.

Owns: which parts are embedded, and the words that say what to do next. Must not know: how a stack works.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from console.stack.launcher import Stack, StackFailed
from console.stack.plan import (
    CALL_COMES_IN,
    DEMO_PUBLIC_URL,
    SIMULATED_API_KEY,
    StackOptions,
    with_realtime,
    with_valkey,
)
from console.stack.ports import is_free
from console.stack.supervision import SUPERVISOR_ERRORS
from console.style import BAD, DIM, GOOD, make_console
from shared.exit_codes import Exit
from shared.redis_url import RedisPlace, Shape, read
from shared.setting.service import ENV_PREFIX
from shared.settings import Settings, environment_name

WATCH_S = 1.0
"""How often the foreground looks whether its processes live."""

DEVELOPMENT_DRAIN_S = 5.0
"""On Ctrl-C nobody wants to wait a minute for a call of their own."""

DEVELOPMENT = {"web_shows": "text", "web_breaks": "true"}
"""Settings of the web console, unless they are set: one's own words are shown on one's own host, and nobody
else's calls are lost with a brain."""

EVERY_ADDRESS = "0.0.0.0"

DEFAULT_REDIS_URL = str(Settings.model_fields["redis_url"].get_default())
DEFAULT_MODEL_URL = str(Settings.model_fields["openai_base_url"].get_default())


def options_from(settings: Settings, name: str, run_dir: Path | None) -> StackOptions:
    """The stack that the settings ask for: a Redis or an API that is set is used, else an embedded one.

    OPENAI_BASE_URL without a key counts too: it names a simulator or a gateway.
    """
    key = settings.openai_api_key.get_secret_value()
    other_base_url = settings.openai_base_url != DEFAULT_MODEL_URL
    use_api = bool(key) or other_base_url
    given = settings.model_fields_set
    return StackOptions(
        name=name,
        redis_url=settings.redis_url if "redis_url" in given else "",
        model_base_url=settings.openai_base_url if use_api else "",
        model_api_key=key or SIMULATED_API_KEY,
        public_url=settings.public_url or DEMO_PUBLIC_URL,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        port=settings.port if "port" in given or is_free(settings.port) else 0,
        # As doctor looks for them, and as the README says.
        admin_base=settings.admin_port_base,
        admin_base_is_set="admin_port_base" in given,
        host=settings.host if "host" in given else "",
        web=True,
        environment={
            environment_name(field): value for field, value in DEVELOPMENT.items() if field not in given
        },
        web_port=settings.web_port if "web_port" in given or is_free(settings.web_port) else 0,
        drain_s=settings.drain_s if "drain_s" in given else DEVELOPMENT_DRAIN_S,
        run_dir=run_dir,
        directory=Path.cwd(),
        ready_timeout_s=90.0,
    )


async def run_in_foreground(settings: Settings, run_dir: Path | None) -> int:
    """Runs until it is cancelled by a signal, and then ends the stack. Returns only if the stack failed."""
    console = make_console()
    options = options_from(settings, "run", run_dir)
    console.print(f"[{DIM}]starting {escape(_parts(options))}[/]", soft_wrap=True)
    try:
        with console.status("starting") as status:
            progress = Progress(console, status.update)
            stack = Stack(options, progress=progress.tell)
            await stack.start()
    except StackFailed as error:
        console.print(f"[{BAD}]The stack did not start.[/] {escape(str(error))}", soft_wrap=True)
        return Exit.FAILED
    try:
        for line in advice(stack, settings):
            console.print(line, soft_wrap=True)
        await _watch(stack, console)
    finally:
        console.print(
            f"\n[{DIM}]stopping (calls may go on for {options.drain_s:g} s; Ctrl-C again: at once)[/]"
        )
        await stack.stop()
        console.print(f"[{DIM}]stopped; logs stay in {escape(str(stack.run_dir))}[/]")
    return Exit.OK


@dataclass(slots=True)
class Progress:
    """What the start waits for: shown as it changes, and a line that stays whenever another process is
    ready."""

    console: Console
    update: Callable[[str], None]
    _began_s: float = field(default_factory=time.monotonic)
    _ready: str = ""

    def tell(self, line: str) -> None:
        """`line` begins with how many are ready."""
        self.update(escape(line))
        ready = line.partition(" ")[0]
        if ready != self._ready:
            self._ready = ready
            took_s = time.monotonic() - self._began_s
            self.console.print(f"[{DIM}]{took_s:5.1f} s  {escape(line)}[/]", soft_wrap=True)


def advice(stack: Stack, settings: Settings) -> list[str]:
    """What to do with a running stack, as lines in rich's markup."""
    page = f"http://{page_host(settings)}:{stack.ports.web}/"
    lines = [
        f"[{GOOD}]Trunkline runs.[/] Ctrl-C stops it.",
        f"Web console: [bold]{escape(page)}[/]   live calls, past ones, and a telephone in the browser",
        "",
    ]
    lines += _twilio_lines(stack, settings)
    lines += _simulated_call_lines(stack, settings)
    lines += _inspection_lines(stack, settings)
    return lines


def simulated_call(stack: Stack, account_sid: str) -> str:
    """The command line that places one simulated call into the stack."""
    token = stack.auth_token.split(",")[0].strip()
    account = f" --account-sid {account_sid}" if account_sid else ""
    return (
        f"{python_name()} -m simulators.twilio --voice-url {stack.public_url}/voice"
        f" --dial 127.0.0.1:{stack.public_port} --auth-token {token}{account}"
        " --say en_caller_ask --say en_caller_goodbye --record call.wav"
    )


def page_host(settings: Settings) -> str:
    """The name by which the web console is asked for on this host."""
    return "127.0.0.1" if settings.web_host == EVERY_ADDRESS else settings.web_host


def python_name() -> str:
    """The interpreter as one would type it here."""
    path = Path(sys.executable)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def redis_cli(redis_url: str) -> str:
    """`redis-cli` with the arguments that reach this Redis, in its shape; a password is left to
    REDISCLI_AUTH."""
    place = read(redis_url)
    host, options = place.hosts[0], place.options
    words = ["REDISCLI_AUTH=…"] if "password" in options else []
    words.append("redis-cli")
    if host.path:
        words += ["-s", host.path]
    elif place.shape is Shape.SENTINEL:
        asked = f"redis-cli -h {host.name} -p {host.port}{_tls_words(place)}"
        # Two lines, the address and the port.
        to_words = "sed '1s/^/-h /;2s/^/-p /'"
        words.append(f"$({asked} SENTINEL get-master-addr-by-name {place.master} | {to_words})")
    else:
        words += ["-c"] if place.shape is Shape.CLUSTER else []
        words += ["-h", host.name, "-p", str(host.port)]
    words += ["-n", str(place.database)] if place.database else []
    words += ["--user", options["username"]] if options.get("username") else []
    return " ".join(words) + _tls_words(place)


# Private.


async def _watch(stack: Stack, console: Console) -> None:
    """Says when a process was started again, until cancelled or until supervisord is gone."""
    pids = await stack.pids()
    while True:
        await asyncio.sleep(WATCH_S)
        try:
            now = await stack.pids()
        except SUPERVISOR_ERRORS:
            console.print(f"[{BAD}]supervisord is gone; see {escape(str(stack.log('supervisord')))}[/]")
            return
        for name, pid in now.items():
            if pids.get(name, pid) != pid:
                console.print(f"{name} was started again: pid {pids[name]} → {pid}")
        pids = {**pids, **now}


def _twilio_lines(stack: Stack, settings: Settings) -> list[str]:
    missing = [
        name
        for name, value in (("PUBLIC_URL", settings.public_url), ("TWILIO_AUTH_TOKEN", settings.auth_tokens))
        if not value
    ]
    url = stack.public_url
    lines = []
    if missing:
        lines += [
            f"[{BAD}]Development values:[/] {' and '.join(missing)} not set, so made up for this run."
            " Real calls need both.",
            f"  PUBLIC_URL         {escape(url)}",
        ]
        if not settings.auth_tokens:
            lines.append(f"  TWILIO_AUTH_TOKEN  {stack.auth_token}")
        lines.append("")
    simulated = stack.options.model_api_key == SIMULATED_API_KEY
    model = f"the simulator at {stack.model_base_url}" if simulated else stack.model_base_url
    return [
        *lines,
        f"Model: {escape(model)}" + (" (OPENAI_API_KEY is not set)" if simulated else ""),
        "",
        "For a Twilio number (Phone Numbers → your number → Voice configuration):",
        f"  A call comes in       {escape(url + CALL_COMES_IN)}   HTTP POST",
        f"  Primary handler fails {escape(url)}/voice/fallback   HTTP POST",
        f"  Call status changes   {escape(url)}/call-status      HTTP POST",
        f"  The tunnel or proxy behind that name must lead to [bold]http://127.0.0.1:{stack.public_port}[/],"
        " WebSockets included, for example",
        f"    cloudflared tunnel --url http://127.0.0.1:{stack.public_port}      "
        f"or    ngrok http {stack.public_port}",
        "",
    ]


def _simulated_call_lines(stack: Stack, settings: Settings) -> list[str]:
    line = simulated_call(stack, settings.twilio_account_sid)
    return ["A simulated call into it, from another terminal:", f"  {escape(line)}", ""]


def _inspection_lines(stack: Stack, settings: Settings) -> list[str]:
    folder = Path(python_name()).parent
    return [
        "To look inside:",
        f"  {folder}/supervisorctl -c {escape(str(stack.config_file))} status",
        *(f"  {escape(line)}" for line in _redis_lines(stack.redis_url, settings.lanes)),
        f"  {_redis_setting(stack)}{folder}/trunkline top",
        f"  {escape(_made_up(stack, settings))}{folder}/trunkline doctor --offline"
        f" --config {escape(str(stack.config_file))}",
        f"  curl -s http://127.0.0.1:{stack.admin_port('ingress', 0)}/metrics        "
        f"brain-0: {stack.admin_port('brain', 0)}, egress-0: {stack.admin_port('egress', 0)}",
        f"  tail -F {escape(str(stack.run_dir))}/*.log",
        f"Settings come from the environment and .env; {ENV_PREFIX}… and others: {folder}/trunkline settings",
    ]


def _redis_lines(redis_url: str, lanes: int) -> list[str]:
    """What redis-cli shows of calls, whatever the shape of Redis."""
    redis = redis_cli(redis_url)
    live, loop = f"{redis} zrange 'tl:{{0}}:live' 0 -1", ""
    if lanes > 1:
        live, loop = f'{redis} zrange "tl:{{$lane}}:live" 0 -1', f"for lane in $(seq 0 {lanes - 1}); do "
    found = [f"{loop}{live}{'; done' if loop else ''}                     who is on the line"]
    if read(redis_url).shape is not Shape.CLUSTER:  # There, a scan is of one node.
        found.append(
            f"{redis} --scan --pattern 'tl:*:call:*:journal'        the journals; then XRANGE KEY - +"
        )
    return found


def _tls_words(place: RedisPlace) -> str:
    """With TLS: whom redis-cli trusts and what it shows; empty without."""
    if not place.is_tls:
        return ""
    shown = [f" {flag} {place.options[name]}" for name, flag in _TLS_FLAGS.items() if name in place.options]
    trusts_all = place.options.get("ssl_cert_reqs", "required") == "none"
    return f" --tls{''.join(shown)}{' --insecure' if trusts_all else ''}"


_TLS_FLAGS = {
    "ssl_ca_certs": "--cacert",
    "ssl_ca_path": "--cacertdir",
    "ssl_certfile": "--cert",
    "ssl_keyfile": "--key",
}


def _parts(options: StackOptions) -> str:
    """What is about to be started."""
    embedded = [
        *(["an embedded Valkey"] if with_valkey(options) else []),
        *(["the simulator of the model"] if with_realtime(options) else []),
    ]
    workers = ", ".join(f"{count} {role}" for role, count in options.workers.items())
    return f"{' and '.join([*embedded, ''])}{workers}"


def _made_up(stack: Stack, settings: Settings) -> str:
    """Settings of this run that the shell does not have, to put before a command."""
    is_simulated = stack.options.model_api_key == SIMULATED_API_KEY
    made_up = {
        "PUBLIC_URL": "" if settings.public_url else stack.public_url,
        "TWILIO_AUTH_TOKEN": "" if settings.auth_tokens else stack.auth_token,
        "OPENAI_API_KEY": SIMULATED_API_KEY if is_simulated else "",
        "OPENAI_BASE_URL": stack.model_base_url if is_simulated else "",
    }
    return _redis_setting(stack) + "".join(f"{name}={value} " for name, value in made_up.items() if value)


def _redis_setting(stack: Stack) -> str:
    """What to put before a command so that it finds the embedded Redis; one of your own is set already."""
    return "" if stack.options.redis_url else f"REDIS_URL={stack.redis_url} "
