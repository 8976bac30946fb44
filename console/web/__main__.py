"""`python -m console.web`: as `trunkline web`, without what the other commands need.

supervisord starts it so (deploy/programs.d/console.conf).
"""

from __future__ import annotations

import typer

from console.web.commands import web

if __name__ == "__main__":
    typer.run(web)
