"""Settings of every process: read from the environment and `.env`, checked once at start, then frozen.

Why it exists: a wrong setting is named at the start, not in the middle of a call. Owns: each setting's name,
unit, default, limits and the sentence that explains it (the README's table is made from here). Must not know:
what a role does with them. What a value must look like is setting_forms.py's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from shared import env_file as env_files
from shared.console_settings import ConsoleSettings
from shared.contract.keys import ENDED_MOST, ENDED_TTL_MS
from shared.contract.steps import Kept
from shared.contract.worker import ROLES
from shared.forms import Problems, secret_shown, url_shown
from shared.setting_forms import (
    AccountSid,
    ApiKey,
    ApiUrl,
    AuthTokens,
    BaseUrl,
    CarrierVoice,
    FilePath,
    FoldedCase,
    HostName,
    Language,
    PhoneNumber,
    ProxyUrl,
    PublicUrl,
    RedisUrl,
    WebhookEvents,
    WebhookSecret,
    WebhookUrl,
    Word,
    WordOrNone,
)

ENV_PREFIX = "TRUNKLINE_"

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


def _known_as(name: str) -> AliasChoices:
    """A setting whose name the world already knows, without our prefix."""
    return AliasChoices(name)


class Settings(ConsoleSettings):
    """Every setting of every role. Units are in the names; points of sharing are in the descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="ignore", frozen=True, populate_by_name=True
    )

    # The outside world.
    redis_url: RedisUrl = Field(
        "redis://127.0.0.1:6379/0",
        validation_alias=_known_as("REDIS_URL"),
        description="Redis 7.0 or newer, or Valkey 8 or newer: redis://, rediss:// (TLS) or unix://.",
    )
    public_url: PublicUrl = Field(
        "",
        validation_alias=_known_as("PUBLIC_URL"),
        description="Origin that Twilio reaches us at, as https://host (http:// only for a loopback host)."
        " Signatures are checked against it, so it is never guessed from headers.",
    )
    twilio_auth_token: AuthTokens = Field(
        SecretStr(""),
        validation_alias=_known_as("TWILIO_AUTH_TOKEN"),
        description="Primary Auth Token of the Twilio account. Two, separated by a comma, while rotating.",
    )
    twilio_account_sid: AccountSid = Field(
        "",
        validation_alias=_known_as("TWILIO_ACCOUNT_SID"),
        description="Account SID (AC…). Others' streams are refused; calls of a vanished host are asked for.",
    )
    twilio_api_url: ApiUrl = Field("https://api.twilio.com", description="Origin of Twilio's REST API.")
    openai_api_key: ApiKey = Field(
        SecretStr(""), validation_alias=_known_as("OPENAI_API_KEY"), description="OpenAI API key."
    )
    openai_base_url: BaseUrl = Field(
        "https://api.openai.com/v1",
        validation_alias=_known_as("OPENAI_BASE_URL"),
        description="Base URL of the OpenAI API; the Realtime socket is opened below it.",
    )
    proxy_url: ProxyUrl = Field(
        "",
        description="Proxy by which the OpenAI API, tools and webhooks are reached, as http://host:port."
        " Empty: none. This host itself is never asked for by it.",
    )

    # Ports.
    port: int = Field(
        8080, ge=1, le=65535,
        description="Public port of every ingress process of a host. Under supervisord, deploy/trunkline.conf"
        " decides.",
    )  # fmt: skip
    host: str = Field(
        "0.0.0.0", description="Address that the public port listens on. Under supervisord as PORT."
    )
    host_name: HostName = Field(
        "",
        description="This host's name in the names of its workers; no two hosts on one Redis may share it."
        " Empty: the machine's own.",
    )
    admin_port_base: int = Field(
        9100, ge=1024, le=65000,
        description="Admin ports (127.0.0.1 only): ingress-n base + n, brain-n base + 20 + n,"
        " egress-n base + 40 + n.",
    )  # fmt: skip

    # The agent of every call without a profile, and what a profile leaves out.
    model: Word = Field("gpt-realtime-2.1", description="Realtime model.")
    voice: Word = Field("marin", description="Voice of the model.")
    language: Language = Field(
        "en",
        description="Language of the caller, ISO 639-1 (he) or a tag (en-US); a hint for transcription."
        " Empty: none is given.",
    )
    instructions: str = Field(
        "You are a friendly telephone agent. Answer in one or two short sentences.",
        description="Instructions to the model.",
    )
    greeting: str = Field(
        "Greet the caller in one short sentence and ask how you can help.",
        description="What the model is told to say first. Empty: the caller speaks first.",
    )
    transcription_model: WordOrNone = Field(
        "gpt-realtime-whisper", description="Model that transcribes the caller. Empty: no transcripts."
    )
    answers_turns: Annotated[Literal["server", "brain"], FoldedCase] = Field(
        "server",
        description="Who asks for the answer to a turn: the Realtime server by itself, or the brain.",
    )
    vad_threshold: float = Field(0.5, ge=0.0, le=1.0, description="Server VAD: threshold.")
    vad_silence_ms: int = Field(500, ge=100, le=5000, description="Server VAD: silence that ends a turn, ms.")
    vad_prefix_ms: int = Field(300, ge=0, le=2000, description="Server VAD: audio kept before speech, ms.")
    tool_timeout_s: float = Field(10.0, gt=0, le=120, description="Time limit of one tool run, s.")
    agents_file: FilePath = Field(
        "",
        description="File with the agents' profiles by called number (docs/agents.md)."
        " Empty: agents.toml in the working folder, if there is one.",
    )
    hard_cap_s: float = Field(
        3600.0, ge=0, le=86_400, description="Longest call, s; then a farewell. 0: no limit."
    )
    idle_prompt_s: float = Field(
        10.0, ge=0, le=600,
        description="Silence after which the agent asks whether the caller is still there, s, from the end"
        " of playback. 0: never.",
    )  # fmt: skip
    idle_prompts: int = Field(
        2, ge=0, le=10, description="How often it asks; after one more such silence it says goodbye."
    )
    demo_tools: bool = Field(
        False,
        description="Whether agents without a list of tools get the demo's order service (check_order).",
    )
    early_sessions: bool = Field(
        True, description="Whether a call's session is opened at its webhook, before Twilio opens the stream."
    )
    apology: str = Field(
        "We are sorry, we cannot go on with this call. Please try again later.",
        description="Spoken by Twilio when the model cannot be reached.",
    )
    busy_message: str = Field(
        "All lines are busy at the moment. Please call again in a few minutes.",
        description="Spoken by Twilio when all slots are taken.",
    )
    apology_language: Language = Field(
        "", description="Language of what Twilio says itself, such as he. Empty: that of TRUNKLINE_LANGUAGE."
    )
    apology_voice: CarrierVoice = Field(
        "",
        description="Voice of what Twilio says itself, such as Polly.Joanna. Empty: one that speaks the"
        " language.",
    )
    fallback_number: PhoneNumber = Field(
        "", description="Number (E.164) that is dialled after the apology or when full. Empty: hang up."
    )

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
    lanes: int = Field(1, ge=1, le=1024, description="Hash slots that calls are spread over; Cluster: 64.")

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
        return frozenset(part.strip() for part in told.split(",") if part.strip())

    @property
    def kept(self) -> Kept:
        """What stays of a call that has ended."""
        return Kept(ttl_ms=round(self.ended_keep_s * 1000), most=self.ended_most)

    @property
    def auth_tokens(self) -> tuple[str, ...]:
        """The Twilio auth tokens to accept, first the one to sign with."""
        parts = self.twilio_auth_token.get_secret_value().split(",")
        return tuple(part.strip() for part in parts if part.strip())

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

    `role` adds the check that what this role cannot do without is there. `overrides` are for tests and
    for the demo. Raises SettingsError with a line for each problem; a secret's value never stands in it.
    """
    try:
        settings = Settings(_env_file=None, **{**_from_file(env_file), **overrides})
    except env_files.EnvFileUnreadable as error:
        raise EnvFileError(error.problems) from None
    except ValidationError as error:
        raise SettingsError([_explain(item) for item in error.errors()]) from None
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
