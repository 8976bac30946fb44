"""Who may use the web console, and from where a form may come. Pure.

Why it exists: whoever sees this page may hang up calls, and a page of anybody's that is open in the same
browser may ask for it in their name. Owns: the rules, in which words a visitor is turned away. Must not
know: requests as a server has them, what a page shows.

Three ways in: from this host, where nothing else is set; with a token, by a form or a header; with a name
that a proxy says, where that proxy is trusted. Without a token the name by which the page was asked for must
be one of this host's: else a page of elsewhere, whose name was made to lead here, would be us to the
browser.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from shared.forms import LOOPBACK_HOSTS
from shared.setting.forms import listed
from shared.settings import Settings, SettingsError

LOCAL_USER, TOKEN_USER = "local", "token"
"""Who somebody is where nobody says a name."""

MOST_CHARS = 80
"""Of a name that a proxy says."""

OWN_SITES = ("same-origin", "none")
"""What a browser says of a request that no other site has made (Fetch Metadata)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request, as far as the gate looks at it. Names of headers are in small letters."""

    peer: str
    """The address that it came from; empty: a Unix socket, or a test's."""
    headers: Mapping[str, str]
    session: str = ""
    """The session's cookie."""

    def header(self, name: str) -> str:
        """Empty if it is not there."""
        return self.headers.get(name, "")


@dataclass(frozen=True, slots=True)
class Admitted:
    """Come in."""

    user: str
    tried: bool = False
    """Because of a token in a header, which might have been a guess."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not. `asks`: they may show a token."""

    status: int
    words: str
    asks: bool = False
    tried: bool = False
    """A token was shown, and it was not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings, as the gate needs them."""

    token: str
    user_header: str
    proxies: frozenset[str]
    names: frozenset[str]
    """Names by which it may be asked for; empty: any."""

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """Raises SettingsError where the page would be open to whoever reaches the port."""
        token = settings.web_token.get_secret_value()
        user_header = settings.web_user_header.lower()
        is_open = not token and not user_header
        if is_open and settings.web_host not in LOOPBACK_HOSTS:
            raise SettingsError(
                [
                    f"TRUNKLINE_WEB_HOST={settings.web_host}: expected a token (TRUNKLINE_WEB_TOKEN), or the"
                    " header of a proxy that knows its users (TRUNKLINE_WEB_USER_HEADER): whoever reaches"
                    " this port could hang up calls. Or leave it at 127.0.0.1."
                ]
            )
        names = frozenset(name.lower() for name in listed(settings.web_names))
        return cls(
            token=token,
            user_header=user_header,
            proxies=frozenset(listed(settings.web_proxies)),
            names=names | LOOPBACK_HOSTS if is_open or names else names,
        )

    @property
    def is_open(self) -> bool:
        """Whether whoever is on this host may come in."""
        return not self.token and not self.user_header


def judge(policy: Policy, visit: Visit, *, has_session: bool) -> Admitted | Refused:
    """Whether a visitor may come in. `has_session`: they have shown the token before."""
    name = host_of(visit.header("host"))
    if policy.names and name not in policy.names:
        return Refused(421, "this page is not known by that name: see TRUNKLINE_WEB_NAMES")
    if policy.user_header and visit.peer in policy.proxies:
        said = "".join(each for each in visit.header(policy.user_header) if each.isprintable())
        if said.strip():
            return Admitted(said.strip()[:MOST_CHARS])
    if policy.token:
        if has_session:
            return Admitted(TOKEN_USER)
        kind, _, shown = visit.header("authorization").partition(" ")
        tried = kind.lower() == "bearer" and bool(shown.strip())
        if tried and is_token(policy, shown.strip()):
            return Admitted(TOKEN_USER, tried=True)
        return Refused(401, "expected the token of TRUNKLINE_WEB_TOKEN", asks=True, tried=tried)
    if policy.user_header:
        return Refused(403, f"expected {policy.user_header} from a proxy of TRUNKLINE_WEB_PROXIES")
    return Admitted(LOCAL_USER)


def peer_of(policy: Policy, visit: Visit) -> str:
    """Whose tries of a token are counted together: the address that a trusted proxy says, else the peer's."""
    said = visit.header("x-forwarded-for").rpartition(",")[2].strip()
    return said if said and visit.peer in policy.proxies else visit.peer


def is_token(policy: Policy, shown: str) -> bool:
    """Whether a visitor's token is ours."""
    return bool(policy.token) and hmac.compare_digest(policy.token.encode(), shown.encode())


def why_foreign(visit: Visit) -> str:
    """Why a POST, or a media socket, is not one of our own page's; empty where it may be. Beside the seal in
    its form: a browser says from where a request comes, and other programs say nothing."""
    site = visit.header("sec-fetch-site")
    if site and site not in OWN_SITES:
        return f"it comes from another site ({site[:20]})"
    origin = visit.header("origin")
    if not origin:
        return ""
    _, _, place = origin.partition("://")
    return "" if place.lower() == visit.header("host").lower() else "it comes from another origin"


def host_of(header: str) -> str:
    """The name in a Host header, without its port."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]
