"""What the value of each kind of setting must look like: types that check themselves.

Why it exists: a value that cannot be meant (a line break in a key, a region in a language) is named at the
start, not by each call. Owns: these types, their words. Must not know: which settings there are.

Patterns are Python's: pydantic's own engine makes nine megabytes of one with the letters of all scripts, in
each process.
"""

from __future__ import annotations

import ipaddress
import os
import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr

from shared import redis_url
from shared.contract.streams.hooks import Event
from shared.forms import E164_EXAMPLE, is_confidential, is_number, oddity_of, signing_key, url_of

WEBHOOK_EVENTS = frozenset(event.value for event in Event)

SHOWN = frozenset({"text", "numbers"})
"""What the web console may show beside figures."""

SQLITE = "sqlite:///"
"""How the URL of a file begins."""

_LANGUAGE = re.compile(r"([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?")
_HOST = re.compile(r"[A-Za-z0-9._-]*")
_CARRIER_VOICE = re.compile(r"[\w.-]{0,100}")
_TAG = re.compile(r"([A-Za-z]{2,3})([-_][A-Za-z0-9_-]+)?")
_HEADER = re.compile(r"[A-Za-z0-9-]{0,100}")


def listed(value: str) -> tuple[str, ...]:
    """The words of a setting that lists some, with commas between them."""
    return tuple(each.strip() for each in value.split(",") if each.strip())


def _refuse_odd(value: str, expected: str, *, one_word: bool = True) -> None:
    odd = oddity_of(value, one_word=one_word)
    if odd:
        raise ValueError(
            f"expected {expected}{' in one word' if one_word else ''}; this has {odd}: remove it"
        )


def _check_redis_url(value: str) -> str:
    problem = redis_url.problem_of(value)
    if problem:
        raise ValueError(problem)
    return value


def _check_public_url(value: str) -> str:
    if not value:
        return value
    _refuse_odd(value, "an origin such as https://bridge.example.com")
    url = url_of(value)
    if url is None or url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError("expected an origin such as https://bridge.example.com, without a path")
    if not is_confidential(url):
        raise ValueError("expected https:// (http:// is for loopback hosts only): Twilio streams need TLS")
    return value.rstrip("/")


def _check_base_url(value: str) -> str:
    expected = "an http:// or https:// URL such as https://api.openai.com/v1"
    _refuse_odd(value, expected)
    url = url_of(value)
    if url is None or url.scheme not in ("http", "https"):
        raise ValueError(f"expected {expected}")
    return value.rstrip("/")


def _check_api_url(value: str) -> str:
    _refuse_odd(value, "an origin such as https://api.twilio.com")
    url = url_of(value)
    if url is None or url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError("expected an origin such as https://api.twilio.com, without a path")
    if not is_confidential(url):
        raise ValueError("expected https:// (http:// is for loopback hosts only): it is sent the token")
    return value.rstrip("/")


def _check_webhook_url(value: str) -> str:
    _refuse_odd(value, "an https:// URL")
    url = url_of(value)
    if value and (url is None or not is_confidential(url)):
        raise ValueError("expected an https:// URL (http:// is for loopback hosts only)")
    return value


def _check_proxy_url(value: str) -> str:
    expected = "a proxy such as http://proxy.example.com:3128"
    _refuse_odd(value, expected)
    if not value:
        return value
    url = url_of(value)
    if url is None or url.scheme not in ("http", "https"):
        raise ValueError(f"expected {expected}, or nothing")
    if url.path not in ("", "/") or url.query or url.fragment:
        raise ValueError(f"expected {expected}, without a path")
    return value.rstrip("/")


def _check_webhook_events(value: str) -> str:
    unknown = set(listed(value)) - WEBHOOK_EVENTS
    if unknown:
        raise ValueError(f"expected some of {', '.join(sorted(WEBHOOK_EVENTS))}")
    return value


def _check_webhook_secret(value: SecretStr) -> SecretStr:
    _refuse_odd(value.get_secret_value(), "whsec_ and base64, or any text", one_word=False)
    signing_key(value.get_secret_value())
    return value


def _check_key(value: SecretStr) -> SecretStr:
    _refuse_odd(value.get_secret_value(), "a key")
    return value


def _check_tokens(value: SecretStr) -> SecretStr:
    expected = "a token, or two with a comma between them"
    _refuse_odd(value.get_secret_value(), expected, one_word=False)
    for part in value.get_secret_value().split(","):
        # A blank behind the comma is how people write two.
        _refuse_odd(part.strip(" "), expected)
    return value


def _check_account_sid(value: str) -> str:
    _refuse_odd(value, "an Account SID")
    if value and not (value.startswith("AC") and len(value) == 34):
        raise ValueError("expected an Account SID: AC and 32 hexadecimal digits")
    return value


def _check_word(value: str) -> str:
    if not value:
        raise ValueError("expected a name; to use the default, do not set it")
    return _check_word_or_none(value)


def _check_word_or_none(value: str) -> str:
    _refuse_odd(value, "a name")
    return value


def _check_language(value: str) -> str:
    if _LANGUAGE.fullmatch(value):
        return value
    tag = _TAG.fullmatch(value)
    hint = f" (did you mean {tag[1].lower()}{(tag[2] or '').replace('_', '-')}?)" if tag else ""
    raise ValueError(
        f"expected a language as ISO 639-1 writes it, such as en, a tag such as en-US, or nothing{hint}"
    )


def _check_host_name(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError("expected letters, digits, dots, - and _, or nothing")
    return value


def _check_carrier_voice(value: str) -> str:
    if not _CARRIER_VOICE.fullmatch(value):
        raise ValueError("expected a voice such as Polly.Joanna (100 characters at most), or nothing")
    return value


def _check_number(value: str) -> str:
    if value and not is_number(value):
        raise ValueError(f"expected a number such as {E164_EXAMPLE}, or nothing")
    return value


def _check_shown(value: str) -> str:
    unknown = set(listed(value)) - SHOWN
    if unknown:
        raise ValueError(f"expected some of {', '.join(sorted(SHOWN))}, or nothing")
    return value


def _check_addresses(value: str) -> str:
    for each in listed(value):
        try:
            ipaddress.ip_address(each)
        except ValueError:
            raise ValueError("expected addresses such as 10.0.0.5, with commas between them") from None
    return value


def _check_names(value: str) -> str:
    if not all(_HOST.fullmatch(each) for each in listed(value)):
        raise ValueError("expected names such as console.example.com, with commas between them")
    return value


def _check_header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("expected the name of a header such as X-Forwarded-User, or nothing")
    return value


def _check_link(value: str) -> str:
    url = url_of(value)
    if value and (url is None or url.scheme not in ("http", "https")):
        raise ValueError("expected an http:// or https:// URL, or nothing")
    return value


def _check_archive(value: str) -> str:
    is_file = value.startswith(SQLITE) and len(value) > len(SQLITE)
    url = url_of(value)
    is_server = url is not None and url.scheme in ("postgresql", "postgres")
    if not (is_file or is_server):
        raise ValueError(f"expected {SQLITE} and a path, or postgresql://user@host/database")
    return value


def _check_folder(value: str) -> str:
    if not value.strip():
        raise ValueError("expected a folder")
    return os.path.expanduser(value)


def _fold_case(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


RedisUrl = Annotated[str, AfterValidator(_check_redis_url)]
PublicUrl = Annotated[str, AfterValidator(_check_public_url)]
BaseUrl = Annotated[str, AfterValidator(_check_base_url)]
ApiUrl = Annotated[str, AfterValidator(_check_api_url)]
WebhookUrl = Annotated[str, AfterValidator(_check_webhook_url)]
ProxyUrl = Annotated[str, AfterValidator(_check_proxy_url)]
WebhookEvents = Annotated[str, AfterValidator(_check_webhook_events)]
WebhookSecret = Annotated[SecretStr, AfterValidator(_check_webhook_secret)]
ApiKey = Annotated[SecretStr, AfterValidator(_check_key)]
AuthTokens = Annotated[SecretStr, AfterValidator(_check_tokens)]
AccountSid = Annotated[str, AfterValidator(_check_account_sid)]
Word = Annotated[str, AfterValidator(_check_word)]
WordOrNone = Annotated[str, AfterValidator(_check_word_or_none)]
Language = Annotated[str, AfterValidator(_check_language)]
HostName = Annotated[str, AfterValidator(_check_host_name)]
CarrierVoice = Annotated[str, AfterValidator(_check_carrier_voice)]
PhoneNumber = Annotated[str, AfterValidator(_check_number)]
ShownList = Annotated[str, AfterValidator(_check_shown)]
AddressList = Annotated[str, AfterValidator(_check_addresses)]
NameList = Annotated[str, AfterValidator(_check_names)]
HeaderName = Annotated[str, AfterValidator(_check_header)]
LinkUrl = Annotated[str, AfterValidator(_check_link)]
ArchiveUrl = Annotated[str, AfterValidator(_check_archive)]
FilePath = Annotated[str, AfterValidator(os.path.expanduser)]
FolderPath = Annotated[str, AfterValidator(_check_folder)]
FoldedCase = BeforeValidator(_fold_case)
"""For a choice of words: `INFO` is `info`."""
