"""Who may open the dashboard: the owner's own browser, under a name of this machine, from the dashboard's own pages.

Three questions, asked of every request in this order:

    Host     127.0.0.1, localhost or [::1] at any port, or a name that --allow-origin gives: no rebound DNS name
    Origin   the address that the request itself went to, or one that --allow-origin gives: no other site, no other port
    token    in a cookie of this browser, or in the address, from where it moves into the cookie
"""

import hmac
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import quote, unquote_plus

from starlette.types import Scope

from lobass_core.workflows import serve
from lobass_core.workflows.serve import DEFAULT_PORTS, TOKEN, ServeSpec, cookie_name, origin_of
from pages.components import state
from pages.serving.kept_token import token_of

OWN_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")
_SCHEMES = {"http": "http", "ws": "http", "https": "https", "wss": "https"}

Reason = Literal["host", "origin", "token"]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not answered. `reload`: a click elsewhere led here; the same request from our page may pass."""

    reason: Reason
    reload: bool = False


@dataclass(frozen=True, slots=True)
class Welcome:
    """The token was in the address: the browser keeps it in a cookie and asks again without it."""

    location: str
    cookie: str


class Headers:
    """The headers of a request: several of one name are several values, and none is merged."""

    def __init__(self, scope: Scope) -> None:
        self._pairs: list[tuple[bytes, bytes]] = scope["headers"]

    def all(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self._pairs if key.lower() == name]

    def one(self, name: bytes) -> str:
        """The value, empty where there is none, or more than one to choose from."""
        values = self.all(name)
        return values[0].strip().lower() if len(values) == 1 else ""


@dataclass(frozen=True, slots=True)
class Access:
    """What is asked of a request; `token` None lets in whoever gets that far."""

    token: str | None
    origins: frozenset[str] = frozenset()

    def judge(self, scope: Scope) -> Refused | Welcome | None:
        """None for a request that may go on to the dashboard."""
        headers = Headers(scope)
        host = headers.one(b"host")
        name, port = self._host(host)
        if not name:
            return Refused("host")
        scheme = _SCHEMES[scope["scheme"]]
        if not self._is_own_page(scope, headers, f"{scheme}://{host}"):
            return Refused("origin")
        if self.token is None:
            return None
        cookie = cookie_name(port or DEFAULT_PORTS[scheme])
        return self._signed_in(scope, headers, cookie, is_secure=scheme == "https")

    def _host(self, host: str) -> tuple[str, str]:
        """Name and port of an allowed Host header, empty for any other."""
        match = _HOST.fullmatch(host)
        if match is None or int(match[2] or 0) > 65535:
            return "", ""
        return (match[1], match[2] or "") if match[1] in OWN_NAMES | self._proxied_names() else ("", "")

    def _proxied_names(self) -> frozenset[str]:
        return frozenset(re.sub(r"^https?://|:\d+$", "", origin) for origin in self.origins)

    def _is_own_page(self, scope: Scope, headers: Headers, own: str) -> bool:
        """Whether one of our pages asks, or a person opens one. A browser says Origin and Sec-Fetch-Site of itself."""
        asking = headers.all(b"origin")
        if len(asking) > 1 or (not asking and scope["type"] == "websocket"):
            return False
        if asking:
            origin = asking[0].strip().lower()
            return origin in self.origins or origin == origin_of(own)
        # Pictures, scripts and frames of another site come without Origin, and with our cookie if it is another port.
        sites = {site.strip().lower() for site in headers.all(b"sec-fetch-site")}
        return sites <= {"same-origin", "none"} or opens_page(scope, headers)

    def _signed_in(self, scope: Scope, headers: Headers, cookie: str, *, is_secure: bool) -> Refused | Welcome | None:
        assert self.token is not None
        has_cookie = any(self._fits(value) for value in _cookies(headers, cookie))
        query = scope.get("query_string", b"").decode("latin-1").split("&")
        given = [_value(pair) for pair in query if _is_token(pair)]
        is_get = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if given and is_get and (has_cookie or any(self._fits(value) for value in given)):
            secure = "; Secure" if is_secure else ""
            return Welcome(
                _without_token(scope, query), f"{cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict{secure}"
            )
        if has_cookie:
            return None
        return Refused("token", reload=opens_page(scope, headers) and headers.one(b"sec-fetch-site") == "cross-site")

    def _fits(self, value: str) -> bool:
        return self.token is not None and hmac.compare_digest(value.encode(), self.token.encode())


@cache
def access() -> Access:
    """What this process asks: as `lobass serve` told it, and the project's token where something else started it."""
    spec = settings()
    token = token_of(state.project_root(), new=spec.new_token) if spec.ask_token else None
    return Access(token, frozenset(spec.allow_origins))


@cache
def settings() -> ServeSpec:
    """How `lobass serve` was called; its defaults, and no browser, where something else started the dashboard."""
    return serve.settings() or ServeSpec(open_browser=False)


def opens_page(scope: Scope, headers: Headers) -> bool:
    """Whether the browser opens a page in a tab, and neither a part of a page nor a frame."""
    return (
        scope["type"] == "http"
        and scope["method"] in ("GET", "HEAD")
        and headers.one(b"sec-fetch-mode") == "navigate"
        and headers.one(b"sec-fetch-dest") == "document"
    )


def _cookies(headers: Headers, name: str) -> list[str]:
    pairs = (pair.strip().partition("=") for line in headers.all(b"cookie") for pair in line.split(";"))
    return [value for key, _, value in pairs if key == name]


def _is_token(pair: str) -> bool:
    return unquote_plus(pair.partition("=")[0]) == TOKEN


def _value(pair: str) -> str:
    return unquote_plus(pair.partition("=")[2])


def _without_token(scope: Scope, query: list[str]) -> str:
    """The address again, relative to itself: right behind any prefix of a proxy, and never another host."""
    last = scope["path"].rpartition("/")[2]
    rest = "&".join(pair for pair in query if not _is_token(pair))
    return f"./{quote(last)}" + (f"?{rest}" if rest else "")
