"""Settings of every process: read from the environment and `.env`, checked once at start, then frozen.

Why it exists: a wrong setting is named at the start, not in the middle of a call. Owns: each setting's name,
unit, default, limits and the sentence that explains it (the README's table is made from here; the first half
stands in setting/). Must not know: what a role does with them. What a value must look like is
setting/forms.py's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator

from shared import env_file as env_files
from shared.contract.admission.count import CallerBounds
from shared.contract.keys import ENDED_MOST, ENDED_TTL_MS
from shared.contract.steps import Kept
from shared.contract.worker import ROLES
from shared.forms import Problems, secret_shown, url_shown
from shared.redis_url import Shape, read
from shared.setting.console import ConsoleSettings
from shared.setting.forms import FoldedCase, WebhookEvents, WebhookSecret, WebhookUrl, listed
from shared.setting.service import ENV_PREFIX, ServiceSettings

CLUSTER_LANES = 16
"""Lanes on a Cluster where nobody says how many: enough to spread over a few masters, and each costs every
process two connections and a read of its own (docs/scaling.md)."""

REQUIRED_BY_ROLE: dict[str, tuple[str, ...]] = {
    "ingress": ("public_url", "twilio_auth_token"),
    "brain": ("openai_api_key",),
    "egress": (),
}
"""Settings without a usable default, by the role that cannot start without them."""


class SettingsError(Problems):
    """One or more settings are missing or wrong."""


class EnvFileError(SettingsError):
    """The file with the settings cannot be read, whole or in part."""


class Settings(ConsoleSettings, ServiceSettings):
    """Every setting of every role. Units are in the names; points of sharing are in the descriptions."""

    # The user's own systems.
    webhook_url: WebhookUrl = Field(
        "",
        description="Where call starts, call ends and tool failures are told (docs/webhooks.md): https://, or"
        " http:// for a loopback host. Empty: nowhere.",
    )
    webhook_secret: WebhookSecret = Field(
        SecretStr(""), description="Signs the webhooks: whsec_ and base64, or any text."
    )
    webhook_events: WebhookEvents = Field(
        "call.started,call.ended,tool.failed", description="Which events are told, separated by commas."
    )
    webhook_transcript: bool = Field(
        True, description="Whether call.ended and turn.ended carry what was said, as heard by the caller."
    )
    incoming_url: WebhookUrl = Field(
        "", description="Where it is asked who calls, before the greeting (docs/webhooks.md). Empty: nowhere."
    )
    incoming_within_s: float = Field(
        2.0, gt=0, le=5, description="Time that this may take, s; then the call goes its usual way."
    )

    # Limits.
    max_calls: int = Field(200, ge=1, le=100_000, description="Calls at once over all workers.")
    calls_per_worker: int = Field(
        100, ge=1, le=10_000, description="Calls at once that one brain or egress takes."
    )
    calls_per_ingress: int = Field(
        500,
        ge=0,
        le=10_000,
        description="Calls at once that one ingress takes, never more than it has descriptors for. 0: as"
        " many.",
    )
    caller_calls_at_once: int = Field(
        0, ge=0, le=1000, description="Calls at once of one caller who shows a number. 0: no bound."
    )
    caller_calls_a_day: int = Field(
        0, ge=0, le=1000, description="Calls of one caller within 24 hours. 0: no bound."
    )
    caller_minutes_a_day: int = Field(
        0,
        ge=0,
        le=100_000,
        description="Minutes that one caller may have been on the line within 24 hours, all calls together,"
        " when another one comes. 0: no bound.",
    )
    caller_transfers_a_day: int = Field(
        0, ge=0, le=1000, description="Times that one caller is put through within 24 hours. 0: no bound."
    )
    late_most_ms: float = Field(
        15.0,
        ge=0,
        le=20,
        description="An ingress whose event loop is mostly later than this for a second takes no new call"
        " until it is half as late, ms. 0: never mind.",
    )
    model_left_percent: float = Field(
        5.0,
        ge=0,
        le=90,
        description="Least share of the model account's rate that must be left for a new call, %."
        " 0: never mind.",
    )
    memory_most_mib: int = Field(
        0,
        ge=0,
        le=1_048_576,
        description="Memory (resident) near which a process drains itself and is started anew, MiB. 0: near"
        " the limit of its cgroup, if it has one and the process a good part of it.",
    )
    max_resumes: int = Field(20, ge=0, le=1000, description="New media streams that one call may open.")
    ended_keep_s: float = Field(
        ENDED_TTL_MS / 1000, ge=60, le=2_592_000,
        description="How long card, journal and history of a call stay in Redis after its end, s. The same in"
        " all processes.",
    )  # fmt: skip
    ended_most: int = Field(
        ENDED_MOST, ge=1, le=1_000_000,
        description="Ended calls that `trunkline calls --ended` can list, in each lane; the oldest go.",
    )  # fmt: skip
    drain_s: float = Field(
        60.0, ge=0, le=7200, description="On SIGTERM: how long live calls may go on in this process, s."
    )
    media_timeout_s: float = Field(
        20.0, ge=0, le=3600,
        description="Without a frame of the caller for this long, and without an answer of Twilio's to a mark"
        " either (a caller on hold may send nothing), a call is ended, s. 0: never.",
    )  # fmt: skip
    lanes: int = Field(
        1, ge=1, le=1024, description="Hash slots that calls are spread over. On a Cluster by default 16."
    )

    # The audio path.
    commit_ms: float = Field(
        3, ge=0, le=50, description="Longest that a write waits for others, under load, ms; 0: none waits."
    )
    read_gap_ms: float = Field(
        5, ge=0, le=50, description="Longest that a lane waits between two reads, under load, ms; 0: never."
    )
    lead_ms: int = Field(
        300, ge=40, le=1000, description="Audio kept ahead of the caller's ear at Twilio, ms."
    )
    socket_send_buffer_bytes: int = Field(
        32_768, ge=4096, le=4_194_304, description="SO_SNDBUF of each media socket, bytes."
    )
    realtime_scheduling: bool = Field(True, description="Whether Linux is asked to let frames go first.")

    # Logs.
    log_level: Annotated[Literal["debug", "info", "warning", "error"], FoldedCase] = Field(
        "info", description="Least level logged."
    )
    log_format: Annotated[Literal["auto", "json", "console"], FoldedCase] = Field(
        "auto", description="One JSON line an event, or coloured text; auto: text on a terminal only."
    )
    mask_numbers: bool = Field(True, description="Whether telephone numbers are masked on cards and in logs.")

    @model_validator(mode="after")
    def _check_webhook_secret(self) -> Settings:
        url = "TRUNKLINE_WEBHOOK_URL" if self.webhook_url else "TRUNKLINE_INCOMING_URL"
        if (self.webhook_url or self.incoming_url) and not self.webhook_secret.get_secret_value():
            raise ValueError(f"TRUNKLINE_WEBHOOK_SECRET is missing: webhooks are signed, and {url} is set")
        return self

    @property
    def told_events(self) -> frozenset[str]:
        """The events that the user's systems are told; empty without a URL."""
        told = self.webhook_events if self.webhook_url else ""
        return frozenset(listed(told))

    @property
    def caller_bounds(self) -> CallerBounds:
        """What one caller may have."""
        return CallerBounds(
            at_once=self.caller_calls_at_once,
            calls=self.caller_calls_a_day,
            minutes=self.caller_minutes_a_day,
            transfers=self.caller_transfers_a_day,
        )

    @property
    def kept(self) -> Kept:
        """What stays of a call that has ended."""
        return Kept(ttl_ms=round(self.ended_keep_s * 1000), most=self.ended_most)

    @property
    def auth_tokens(self) -> tuple[str, ...]:
        """The Twilio auth tokens to accept, first the one to sign with."""
        return listed(self.twilio_auth_token.get_secret_value())

    @property
    def stream_url(self) -> str:
        """The media URL that stands in our TwiML and that Twilio signs."""
        scheme, rest = self.public_url.split("://", 1)
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/media"

    def admin_port(self, role: str, number: int) -> int:
        """Port of a process's health checks and metrics, on 127.0.0.1."""
        return self.admin_port_base + 20 * ROLES.index(role) + number


def environment_name(field: str) -> str:
    """The environment variable of a setting, by its field name."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"{ENV_PREFIX}{field.upper()}"


def role_redis_name(role: str) -> str:
    """The variable with the Redis of one role's processes, where they log in as a user of their own."""
    return f"{environment_name('redis_url')}_{role.upper()}"


def is_secret(field: str) -> bool:
    """Whether the value of a setting is shown to nobody."""
    info = Settings.model_fields.get(field)
    return info is not None and info.annotation is SecretStr


def names_of(field: str) -> tuple[str, ...]:
    """Every variable that a setting is read from, the one that is documented first."""
    return tuple(dict.fromkeys((environment_name(field), f"{ENV_PREFIX}{field.upper()}")))


def found_in(names: Mapping[str, Any], field: str) -> str | None:
    """The name under which a setting stands there, in whatever case; None if it does not."""
    folded = {name.casefold(): name for name in names}
    return next((folded[n.casefold()] for n in names_of(field) if n.casefold() in folded), None)


def load(role: str | None = None, *, env_file: Path | None = Path(".env"), **overrides: Any) -> Settings:
    """Reads and checks the settings: the environment, else the file, else the default.

    `role` adds the check that what this role cannot do without is there, and lets `REDIS_URL_<ROLE>` stand
    before REDIS_URL: a user of its own. `overrides` are for tests and for the demo. Raises SettingsError with
    a line for each problem; a secret's value never stands in it.
    """
    try:
        found = {**_from_file(env_file), **_of_role(role, env_file), **overrides}
        settings = Settings(_env_file=None, **found)
    except env_files.EnvFileUnreadable as error:
        raise EnvFileError(error.problems) from None
    except ValidationError as error:
        raise SettingsError([_explain(item) for item in error.errors()]) from None
    if "lanes" not in settings.model_fields_set and read(settings.redis_url).shape is Shape.CLUSTER:
        settings = settings.model_copy(update={"lanes": CLUSTER_LANES})
    problems = [
        f"{environment_name(field)} is missing: {Settings.model_fields[field].description}"
        f" Set it in the environment or in .env."
        for field in REQUIRED_BY_ROLE.get(role or "", ())
        if not _has_value(settings, field)
    ]
    if problems:
        raise SettingsError(problems)
    return settings


# Private.


def _from_file(path: Path | None) -> dict[str, str]:
    """Settings that stand in the file and not in the environment, by field. Raises EnvFileUnreadable."""
    found, made = env_files.read(path), {}
    for field in Settings.model_fields:
        name = found_in(found, field)
        if name is None or found_in(os.environ, field) is not None:
            continue
        value = found[name]
        if value is None:
            raise env_files.EnvFileUnreadable(
                [f"{(path or Path()).absolute()}: expected {name}=value, got the name alone. Add the value."]
            )
        made[field] = value
    return made


def _of_role(role: str | None, path: Path | None) -> dict[str, str]:
    """What stands there for one role alone. Raises EnvFileUnreadable."""
    if role is None:
        return {}
    url = env_files.environment(path).get(role_redis_name(role), "")
    return {"redis_url": url} if url else {}


def _has_value(settings: Settings, field: str) -> bool:
    value = settings.model_dump()[field]
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _explain(item: Any) -> str:
    """One line: which setting, what was expected, what was got. Shapes are pydantic's `ErrorDetails`."""
    if not item["loc"]:
        # Of several settings together: the input is all of them, secrets too.
        return str(item["msg"]).removeprefix("Value error, ") + "."
    location = str(item["loc"][0])
    field = next((f for f in Settings.model_fields if environment_name(f) == location), location.lower())
    field = field.removeprefix(ENV_PREFIX.lower())
    info = Settings.model_fields.get(field)
    name = environment_name(field) if info is not None else location
    reason = str(item["msg"]).removeprefix("Value error, ")
    got = _shown(item["input"], field)
    return f"{name}: {reason[0].lower()}{reason[1:]}; got {got}. {info.description if info else ''}".strip()


def _shown(value: Any, field: str) -> str:
    """What came, as it may stand in a message."""
    if is_secret(field):
        return secret_shown(value.get_secret_value() if isinstance(value, SecretStr) else str(value))
    return repr(url_shown(value) if field.endswith("_url") and isinstance(value, str) else value)
