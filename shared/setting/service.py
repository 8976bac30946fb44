"""Settings of whom a deployment talks to, where it listens, and who answers by default.

Why it exists: the first half of all settings; settings.py has the other, and is made of both. Owns: their
names, units, defaults, limits and the sentences that explain them. Must not know: how settings are read, what
a role does with them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.setting.forms import (
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
    Word,
    WordOrNone,
)

ENV_PREFIX = "TRUNKLINE_"


def _known_as(name: str) -> AliasChoices:
    """A setting whose name the world already knows, without our prefix."""
    return AliasChoices(name)


class ServiceSettings(BaseSettings):
    """Units are in the names; points of sharing are in the descriptions."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="ignore", frozen=True, populate_by_name=True
    )

    # The outside world.
    redis_url: RedisUrl = Field(
        "redis://127.0.0.1:6379/0",
        validation_alias=_known_as("REDIS_URL"),
        description="Redis 7.0 or newer, or Valkey 8 or newer: redis://, rediss:// (TLS), unix://,"
        " sentinel://host,host/name or cluster://host,host.",
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
        8080,
        ge=1,
        le=65535,
        description="Public port of every ingress process of a host. Under supervisord, deploy/trunkline.conf"
        " decides.",
    )
    host: str = Field(
        "0.0.0.0", description="Address that the public port listens on. Under supervisord as PORT."
    )
    host_name: HostName = Field(
        "",
        description="This host's name in the names of its workers; no two hosts on one Redis may share it."
        " Empty: the machine's own.",
    )
    admin_port_base: int = Field(
        9100,
        ge=1024,
        le=65000,
        description="Admin ports (127.0.0.1 only): ingress-n base + n, brain-n base + 20 + n,"
        " egress-n base + 40 + n.",
    )

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
        description="Spoken by Twilio when a new call is not taken.",
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
        "",
        description="Number (E.164) that is dialled after the apology or the busy message. Empty: hang up.",
    )
