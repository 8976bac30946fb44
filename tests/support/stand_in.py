"""A stand-in for a role process: an admin port, a SIGTERM handler, nothing else.

For tests of the launcher, which must not depend on what the roles do. It keeps the roles' command line and
their admin port, and can be told by the environment to misbehave:

    STAND_IN_EXIT=3          ends at once with that code, after a line on stderr
    STAND_IN_NOT_READY=why   answers /readyz with 503 and the reason
    STAND_IN_DEAF=1          ignores SIGTERM
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import FrameType

from shared.settings import load


class Admin(BaseHTTPRequestHandler):
    """`/readyz` only."""

    def do_GET(self) -> None:
        why = os.environ.get("STAND_IN_NOT_READY", "")
        body = f"not ready: {why}\n".encode() if why else b"ready\n"
        self.send_response(503 if why else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Not a word: a real role does not log its probes either."""


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--role", required=True)
    parser.add_argument("--number", type=int, required=True)
    chosen = parser.parse_args()
    if "STAND_IN_EXIT" in os.environ:
        print(f"{chosen.role}-{chosen.number}: told to end", file=sys.stderr)
        sys.exit(int(os.environ["STAND_IN_EXIT"]))

    def on_term(_number: int, _frame: FrameType | None) -> None:
        if "STAND_IN_DEAF" not in os.environ:
            sys.exit(0)

    signal.signal(signal.SIGTERM, on_term)
    port = load(chosen.role).admin_port(chosen.role, chosen.number)
    print(f"{chosen.role}-{chosen.number}: listening on {port}", flush=True)
    HTTPServer(("127.0.0.1", port), Admin).serve_forever()


if __name__ == "__main__":
    main()
