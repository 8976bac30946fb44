"""The command line of the Realtime simulator.

Why it exists: a client can be tried by hand, and `trunkline demo` runs the simulator as a process. Owns:
arguments, log format and the wait for a signal. Must not know: the protocol.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

import uvloop

from simulators.precedence import take_precedence
from simulators.realtime import knobs as knobs_module
from simulators.realtime.knobs import Knobs
from simulators.realtime.server import RealtimeSimulator


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves until SIGINT or SIGTERM; exit code 2 for wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        knobs = knobs_module.from_texts(options.knob)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(
        stream=sys.stdout,
        level=logging.WARNING if options.quiet else logging.INFO,
        format="%(asctime)s realtime-simulator %(message)s",
    )
    logging.getLogger("websockets").setLevel(logging.WARNING)
    take_precedence()
    uvloop.run(_serve(options, knobs))
    sys.exit(0)


async def _serve(options: argparse.Namespace, knobs: Knobs) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    simulator = RealtimeSimulator(
        script=options.script,
        knobs=knobs,
        api_key=options.api_key,
        host=options.host,
        port=options.port,
    )
    async with simulator:
        print(f"Realtime simulator: OPENAI_BASE_URL={simulator.base_url}", flush=True)
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name}" for name in knobs_module.names())
    parser = argparse.ArgumentParser(
        prog="python -m simulators.realtime",
        description="A faithful OpenAI Realtime API on a local port. Point a client at it with "
        "OPENAI_BASE_URL=http://127.0.0.1:9000/v1 and any key.",
        epilog=f"knobs and their defaults (simulators/realtime/knobs.py explains them):\n{listed}\n"
        "A number and a colon before a name set it for that response only: --knob 2:lost_done=true",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port, 0 for any (%(default)s)")
    parser.add_argument(
        "--script",
        default="english",
        help="english, hebrew or a .toml file of that form: simulators/realtime/scripts (%(default)s)",
    )
    parser.add_argument("--api-key", help="the only key accepted; without it any key is")
    parser.add_argument(
        "--knob", action="append", default=[], metavar="NAME=VALUE", help="see below; repeatable"
    )
    parser.add_argument("--quiet", action="store_true", help="log warnings only")
    return parser
