"""Settings of the web console, the archive and the budgets: those that no call needs.

Why it exists: what a page shows and what a day may cost is set beside what calls need, and read by other
processes. Owns: these settings, their limits, the sentences that explain them. Must not know: what is done
with them. `Settings` (settings.py) has them all.
"""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from shared.setting.forms import (
    AddressList,
    ApiKey,
    ArchiveUrl,
    AuthTokens,
    FilePath,
    FolderPath,
    HeaderName,
    HostName,
    LinkUrl,
    NameList,
    ShownList,
)


class ConsoleSettings(BaseSettings):
    """Settings of what looks at calls from outside, and of what they may cost."""

    # The page.
    web_port: int = Field(8081, ge=1, le=65535, description="Port of the web console (`trunkline web`).")
    web_host: HostName = Field(
        "127.0.0.1",
        description="Address that it listens on. Beyond this host it needs TRUNKLINE_WEB_TOKEN or"
        " TRUNKLINE_WEB_USER_HEADER.",
    )
    web_token: ApiKey = Field(
        SecretStr(""), description="Whoever has it may use the web console. Empty: whoever is on this host."
    )
    web_user_header: HeaderName = Field(
        "",
        description="Header in which a proxy that has authenticated somebody says who it is, such as"
        " X-Forwarded-User. Empty: none is believed.",
    )
    web_proxies: AddressList = Field(
        "127.0.0.1,::1",
        description="Addresses of the proxies that are believed, separated by commas.",
    )
    web_names: NameList = Field(
        "",
        description="Names by which the web console may be asked for, beside those of this host, separated by"
        " commas: with a token or a proxy, any if empty.",
    )
    web_shows: ShownList = Field(
        "",
        description="What else the web console shows, separated by commas: text (what is said), numbers (as"
        " the cards have them). Empty: neither.",
    )
    web_listens: bool = Field(
        False,
        description="Whether calls can be listened to, and recordings be had, in a web console that is"
        " reached from beyond this host. On this host alone they can.",
    )
    web_breaks: bool = Field(
        False,
        description="Whether the telephone in the browser may break its calls on purpose: frames lost, a"
        " stream cut, the brain killed with all its calls. For development: `make run` sets it.",
    )
    web_grafana_url: LinkUrl = Field(
        "", description="Where the page of the fleet leads to for figures over time."
    )

    # The archive.
    archive_url: ArchiveUrl = Field(
        "sqlite:///deploy/run/archive.sqlite",
        description="Where calls that are over are kept: sqlite:/// and a path, or postgresql:// (needs the"
        " extra postgres).",
    )
    archive_days: float = Field(
        30.0, ge=0, le=3650, description="How long they are kept there, days. 0: there is no archive."
    )
    archive_transcript: bool = Field(
        True, description="Whether the archive keeps what was said, as heard by the caller."
    )
    recordings: FolderPath = Field(
        "deploy/run/recordings",
        description="Folder of recordings, on the host where `trunkline recorder` runs: there they are"
        " written, shown and deleted.",
    )
    recordings_days: float = Field(
        30.0, ge=0, le=3650, description="How long a recording is kept, days. 0: for ever."
    )
    caller_key: AuthTokens = Field(
        SecretStr(""),
        description="Key of the tag by which all calls of one caller are found and deleted, though numbers"
        " are masked. Two, separated by a comma, while it is changed. Empty: TWILIO_AUTH_TOKEN.",
    )

    # What calls may cost.
    prices_file: FilePath = Field(
        "",
        description="File with prices that go before those of this version (docs/operating.md). Empty: none.",
    )
    budget_call: float = Field(
        0.0,
        ge=0,
        le=10_000,
        description="What one call may cost the model, USD; then a farewell. 0: no limit.",
    )
    budget_day: float = Field(
        0.0,
        ge=0,
        le=1_000_000,
        description="What all calls of a day (UTC) may cost together, USD. 0: no limit.",
    )


def in_order(fields: Iterable[str]) -> list[str]:
    """Settings as people are shown them: these last."""
    return sorted(fields, key=lambda field: field in ConsoleSettings.model_fields)
