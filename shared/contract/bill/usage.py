"""What a call has used of its models: tokens by kind, cached ones as the part of them that they are, and
sound by time.

Why it exists: `response.done` says it once, and the brain that heard it may be gone a moment later: it
stands on the card (`usage`), and the next brain goes on adding. Owns: the figures, their sum, their text on
the card, both ways. Pure. Must not know: what anything costs (shared/figures/prices.py), how a model's
server says it (brain/model/realtime/usage.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import orjson

from shared.contract import record
from shared.contract.errors import ContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsage:
    """Of one model: of one request, or of all of a call. A transcriber is a model of its own."""

    model: str
    requests: int
    """Responses; of a transcriber, turns of the caller."""
    text_in: int
    """Tokens of text that were put in, cached ones among them."""
    text_cached: int
    audio_in: int
    """Tokens of sound that were put in, cached ones among them."""
    audio_cached: int
    text_out: int
    audio_out: int
    sound_ms: int
    """Sound that was put in, where the model is paid by time; 0 where it is paid by tokens."""

    def plus(self, other: ModelUsage) -> ModelUsage:
        """Both together. They are of one model."""
        mine, more = asdict(self), asdict(other)
        return replace(self, **{name: mine[name] + more[name] for name in FIGURES})


FIGURES = tuple(name for name in record.names(ModelUsage) if name != "model")
"""What is added up."""

Usages = tuple[ModelUsage, ...]
"""One a model, in the order in which they were first used."""


def used(model: str, **figures: int) -> ModelUsage:
    """One request to a model; what is not named is 0."""
    return ModelUsage(**{**dict.fromkeys(FIGURES, 0), "requests": 1, **figures}, model=model)


def added(usages: Usages, more: ModelUsage) -> Usages:
    """With one request more."""
    if any(each.model == more.model for each in usages):
        return tuple(each.plus(more) if each.model == more.model else each for each in usages)
    return (*usages, more)


def dump(usages: Sequence[ModelUsage]) -> str:
    """As it stands on the card."""
    return orjson.dumps([record.write(each) for each in usages]).decode()


def load(text: str | None) -> Usages:
    """From the card; nothing where it says nothing yet. Raises ContractError."""
    if not text:
        return ()
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ContractError("ModelUsage", "usage", "a list of objects", text)
    return tuple(record.read(ModelUsage, each) for each in found)
