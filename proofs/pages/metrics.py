"""Makes the table of docs/metrics.md from what the processes would export.

Why it exists: a list of metrics that is kept by hand is wrong after the next counter. Owns: the part of that
page between its markers. Must not know: what a metric means. `--check` fails when the page is not what the
code would make. Nothing is started: the roles are put together, without a Redis or a socket, and asked what
they would tell.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Metric

from brain.role import BrainRole
from egress.role import EgressRole
from ingress.role import IngressRole
from proofs.pages import parts
from shared.contract.worker import ROLES
from shared.process.life import make_process
from shared.process.metrics import export_role
from shared.process.role import MakeRole
from shared.settings import load

PAGE = "metrics.md"
OPEN_LABELS = frozenset({"lane", "worker", "version", "le", "agent", "model"})
"""Labels whose values depend on the deployment: the table does not list them."""

MAKERS: dict[str, MakeRole] = {"ingress": IngressRole, "brain": BrainRole, "egress": EgressRole}


@dataclass(slots=True)
class Row:
    """One metric, over all roles."""

    name: str
    kind: str
    text: str
    roles: list[str] = field(default_factory=list)
    labels: dict[str, set[str]] = field(default_factory=dict)


def main() -> int:
    """The command."""
    return parts.keep(
        "proofs.pages.metrics", __doc__, {PAGE: lambda page: filled(page, rows(asyncio.run(registries())))}
    )


async def registries() -> dict[str, CollectorRegistry]:
    """By role: what its admin port would export before the first call.

    Cancelling it leaves a store unclosed.
    """
    found: dict[str, CollectorRegistry] = {}
    for role in ROLES:
        settings = load(
            role,
            env_file=None,
            redis_url="redis://127.0.0.1:1/0",
            public_url="https://bridge.invalid",
            twilio_auth_token="none",
            openai_api_key="none",
        )
        process = make_process(role, 0, settings)
        export_role(process, MAKERS[role](process))
        found[role] = process.metrics.registry()
        await process.store.aclose()
    return found


def rows(of: dict[str, CollectorRegistry]) -> list[Row]:
    """Our own metrics (not the library's `process_…`), by name. Needs no running loop."""
    found: dict[str, Row] = {}
    for role, registry in of.items():
        for metric in collect(registry):
            if not metric.name.startswith("trunkline_"):
                continue
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            row = found.setdefault(name, Row(name, metric.type, metric.documentation))
            row.roles.append(role)
            for sample in metric.samples:
                for label, word in sample.labels.items():
                    row.labels.setdefault(label, set()).add(word)
    return sorted(found.values(), key=lambda row: row.name)


def filled(page: str, found: list[Row]) -> str:
    """The page with its table made again. Raises ValueError for a missing marker."""
    lines = ["| metric | kind | from | labels | what |", "|---|---|---|---|---|"]
    for row in found:
        roles = "all" if len(row.roles) == len(ROLES) else ", ".join(row.roles)
        labels = "<br>".join(_label(name, words) for name, words in row.labels.items() if name != "le")
        text = row.text.replace("|", "\\|")
        lines.append(f"| `{row.name}` | {row.kind} | {roles} | {labels} | {text} |")
    return parts.put(page, "metrics", "\n".join(lines))


def collect(registry: CollectorRegistry) -> list[Metric]:
    """What a scrape would get. No event loop may run."""

    async def inside() -> list[Metric]:
        return list(registry.collect())  # The number of tasks is only known inside a loop.

    return asyncio.run(inside())


# Private.


def _label(name: str, words: set[str]) -> str:
    return f"`{name}`" if name in OPEN_LABELS else f"`{name}`: {', '.join(sorted(words))}"


if __name__ == "__main__":
    sys.exit(main())
