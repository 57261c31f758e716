"""Host, Origin and token of a request, one deviation at a time from the owner's own."""

import pytest

from lobass_core.errors import RequestError
from lobass_core.workflows.serve import ServeSpec, origin_of
from pages.serving.access import Access, Refused, Welcome

TOKEN = "t" * 43
OWNER = {
    "host": "127.0.0.1:8501",
    "origin": "http://127.0.0.1:8501",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
    "cookie": f"other=1; lobass-8501={TOKEN}",
}
OPENED = {"origin": None, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
PROXIED = Access(TOKEN, frozenset({"https://data.example.com", "https://x.example.com:8443"}))


def asked(
    changes: dict, *, kind: str = "http", scheme: str = "", path: str = "/", query: str = "", method: str = "GET"
):
    headers = {key: value for key, value in {**OWNER, **changes}.items() if value is not None}
    pairs = [(key, one) for key, value in headers.items() for one in ([value] if isinstance(value, str) else value)]
    scope = {
        "type": kind,
        "scheme": scheme or {"http": "http", "websocket": "ws"}[kind],
        "path": path,
        "query_string": query.encode(),
        "headers": [(key.encode(), value.encode("latin-1")) for key, value in pairs],
    }
    return scope | ({"method": method} if kind == "http" else {})


OWN = Access(TOKEN)


def verdict(changes: dict, access: Access = OWN, **request):
    return access.judge(asked(changes, **request))


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "LOCALHOST:9", "[::1]:8501", "localhost"])
def test_the_owner_is_let_in_under_any_name_and_port_of_this_machine(host, kind):
    port = host.rpartition(":")[2] if ":" in host else "80"
    own = {"host": host, "origin": f"http://{host}", "cookie": f"lobass-{port}={TOKEN}"}
    assert verdict(own, kind=kind) is None


HOSTS = [
    "evil.example", "evil.example:8501", "127.0.0.1.evil.example", "127.0.0.1:8501@evil.example", "127.0.0.1:99999",
    "localhost.", "localhost:8501/x", "0.0.0.0:8501", "127.1", "192.168.0.7:8501", "", "127.0.0.1:8501, evil.example",
    ["127.0.0.1:8501", "evil.example"], None,
]  # fmt: skip


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("host", HOSTS, ids=str)
def test_another_name_is_refused_even_with_the_cookie_and_its_own_origin(host, kind):
    own = {"host": host, "origin": f"http://{host}"}
    assert verdict(own, kind=kind) == Refused("host")
    assert verdict(own, Access(None), kind=kind) == Refused("host")


ORIGINS = [
    "http://127.0.0.1:8502", "http://localhost:8501", "https://127.0.0.1:8501", "http://192.168.0.7:8501",
    "http://evil.example", "http://127.0.0.1", "null", "", "file://", "http://127.0.0.1:8501.evil.example",
    ["http://127.0.0.1:8501", "http://evil.example"],
]  # fmt: skip


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("origin", ORIGINS, ids=str)
def test_another_origin_is_refused_with_the_cookie(origin, kind):
    assert verdict({"origin": origin}, kind=kind) == Refused("origin")
    assert verdict({"origin": origin}, Access(None), kind=kind) == Refused("origin")


def test_a_websocket_without_an_origin_is_refused_and_a_plain_client_is_not():
    none = dict.fromkeys(("origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"))
    assert verdict(none, kind="websocket") == Refused("origin")
    assert verdict(none) is None


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_parts_of_another_page_are_refused_and_links_are_not(site):
    picture = {"origin": None, "sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}
    frame = {"origin": None, "sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}
    link = OPENED | {"sec-fetch-site": site}
    assert verdict(picture) == verdict(frame) == Refused("origin")
    assert verdict(link) is None
    assert verdict(link, method="POST") == Refused("origin")


COOKIES = [None, "", f"lobass-8502={TOKEN}", "lobass-8501=", f"lobass-8501={TOKEN}x", f"xlobass-8501={TOKEN}", TOKEN]


@pytest.mark.parametrize("cookie", COOKIES, ids=str)
def test_without_the_cookie_of_this_port_nothing_is_answered(cookie):
    assert verdict({"cookie": cookie}) == Refused("token")
    assert verdict({"cookie": cookie}, kind="websocket") == Refused("token")
    assert verdict({"cookie": cookie}, Access(None)) is None


def test_one_right_cookie_among_several_is_enough():
    assert verdict({"cookie": [f"lobass-8501=old; lobass-8501={TOKEN}"]}) is None
    assert verdict({"cookie": ["a=b", f"lobass-8501={TOKEN}"]}) is None


def test_a_link_elsewhere_without_the_cookie_is_asked_again_by_our_own_page_once():
    bare = OPENED | {"cookie": None}
    assert verdict(bare | {"sec-fetch-site": "cross-site"}) == Refused("token", reload=True)
    for site in ("same-origin", "same-site", "none"):
        assert verdict(bare | {"sec-fetch-site": site}) == Refused("token")


@pytest.mark.parametrize(
    ("path", "query", "location"),
    [
        ("/", f"token={TOKEN}", "./"),
        ("/browse", f"q=a%20b&token={TOKEN}&row=7", "./browse?q=a%20b&row=7"),
        ("/a/b c", f"token={TOKEN}", "./b%20c"),
        ("//evil.example", f"token={TOKEN}", "./evil.example"),
        ("//evil.example/..", f"tok%65n={TOKEN}", "./.."),
    ],
)
def test_the_token_moves_from_the_address_into_a_cookie(path, query, location):
    cookie = f"lobass-8501={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert verdict(OPENED | {"cookie": None}, path=path, query=query) == Welcome(location, cookie)


def test_a_wrong_token_opens_nothing_and_a_stale_one_leaves_the_address_of_an_open_browser():
    stale = {"path": "/browse", "query": "token=old"}
    assert verdict(OPENED | {"cookie": None}, **stale) == Refused("token")
    assert verdict(OPENED, **stale).location == "./browse"
    assert verdict({"cookie": None}, kind="websocket", query=f"token={TOKEN}") == Refused("token")
    assert verdict({"cookie": None}, method="POST", query=f"token={TOKEN}") == Refused("token")


@pytest.mark.parametrize(
    ("changes", "scheme"),
    [
        ({"host": "data.example.com", "origin": "https://data.example.com"}, "https"),
        # The proxy says nothing about https.
        ({"host": "data.example.com", "origin": "https://data.example.com"}, "http"),
        # The proxy rewrites Host.
        ({"host": "127.0.0.1:8501", "origin": "https://data.example.com"}, "http"),
        ({"host": "x.example.com:8443", "origin": "https://x.example.com:8443"}, "https"),
    ],
)
def test_a_proxy_that_is_named_may_ask(changes, scheme):
    port = changes["host"].partition(":")[2] or {"http": "80", "https": "443"}[scheme]
    own = changes | {"cookie": f"lobass-{port}={TOKEN}"}
    assert verdict(own, PROXIED, scheme=scheme) is None
    assert verdict(own, PROXIED, kind="websocket", scheme=scheme.replace("http", "ws")) is None
    assert isinstance(verdict(own, scheme=scheme), Refused)
    opened = verdict(own | OPENED, PROXIED, scheme=scheme, query=f"token={TOKEN}")
    assert opened.cookie.endswith("; Secure") == (scheme == "https")


def test_a_named_proxy_opens_the_door_to_no_one_else():
    for origin in ("https://evil.example", "http://127.0.0.1:9000", "https://data.example.com.evil.example"):
        assert verdict({"origin": origin}, PROXIED) == Refused("origin")
    assert verdict({"host": "example.com", "origin": "https://example.com"}, PROXIED) == Refused("host")


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Data.Example.com/", "https://data.example.com"),
        ("https://data.example.com:443", "https://data.example.com"),
        ("http://data.example.com:8080", "http://data.example.com:8080"),
        ("http://[::1]:80", "http://[::1]"),
    ],
)
def test_an_origin_is_written_as_browsers_do(text, origin):
    assert origin_of(text) == origin


@pytest.mark.parametrize(
    "text", ["*", "", "data.example.com", "https://", "https://a.example/path", "https://u@a.example"]
)
def test_what_is_no_origin_is_refused_with_an_example(text):
    with pytest.raises(RequestError, match="is not the origin of a page"):
        ServeSpec(allow_origins=(text,))
