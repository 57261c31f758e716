"""Other pages in the owner's own browser, and other browsers: nobody gets in, and the owner does not notice."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.workflows.serve import ServeSpec, start
from tests.browser.conftest import Server, start_server, stop_server
from tests.filled_project import Row, fill

# What a page elsewhere can try with a browser that holds the cookie; each says whether it got anything.
ATTACK = """
async (target) => {
  const element = (tag, source) => new Promise((done) => {
    const one = document.createElement(tag)
    one.onload = () => done(true)
    one.onerror = () => done(false)
    one.src = source
    document.body.append(one)
  })
  const socket = () => new Promise((done) => {
    const one = new WebSocket(target.replace('http', 'ws') + '/_stcore/stream', ['streamlit'])
    one.onopen = () => done(true)
    one.onerror = one.onclose = () => done(false)
  })
  const read = (options) => fetch(target + '/_stcore/health', options).then((answer) => answer.ok, () => false)
  const upload = { method: 'PUT', body: 'x', credentials: 'include' }
  const frame = document.createElement('iframe')
  frame.src = target + '/browse'
  document.body.append(frame)
  return {
    socket: await socket(),
    fetch: await read({ credentials: 'include' }),
    upload: await fetch(target + '/_stcore/upload_file/a/b', upload).then((answer) => answer.ok, () => false),
    picture: await element('img', target + '/favicon.png'),
    script: await element('script', target + SCRIPT),
  }
}
"""


@pytest.fixture(scope="module")
def mine(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("strangers")
    project = Project.create(folder / "project")
    fill(project, [Row("Which secret?", "This one", base=2.0, reference=1.0)])
    running = start_server(project, folder / "server.log")
    yield running
    stop_server(running)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """Port of another site on this machine, with one page that links to whatever its query says."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<body><a href='{self.path.partition('?')[2]}'>go</a>".encode())

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    site = ThreadingHTTPServer(("0.0.0.0", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site.server_port
    site.shutdown()
    site.server_close()


@pytest.fixture
def window(browser):
    """A browser window of its own, with nothing kept from before."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    yield context
    context.close()


def opened(window, address: str):
    """A page of the dashboard, once it shows the project."""
    page = window.new_page()
    page.goto(address)
    page.wait_for_selector(".item >> text=Which secret?")
    return page


def test_the_owner_opens_reloads_and_follows_links_without_the_token(mine: Server, window):
    page = opened(window, mine.url("browse"))
    assert page.url == f"{mine.dashboard.address}/browse"
    page.reload()
    page.wait_for_selector(".item >> text=Which secret?")
    opened(window, f"{mine.dashboard.address}/browse?q=secret")
    assert window.cookies()[0]["httpOnly"] and window.cookies()[0]["sameSite"] == "Strict"


@pytest.mark.parametrize(
    "name",
    [
        "127.0.0.1",
        "evil.example",
        *(pytest.param(one, marks=pytest.mark.thorough) for one in ("127.0.0.2", "localhost")),
    ],
)
def test_a_page_elsewhere_gets_nothing_with_the_browser_of_the_owner(mine: Server, elsewhere: int, window, name: str):
    # Cookies do not know ports: a page at another port of the same name is the nearest that a stranger comes.
    home = "localhost" if name == "localhost" else "127.0.0.1"
    own = opened(window, mine.url("browse").replace("127.0.0.1", home))
    target = f"http://{home}:{mine.port}"
    script = own.evaluate("document.querySelector('script[type=module]').src").removeprefix(target)
    page = window.new_page()
    page.goto(f"http://{name}:{elsewhere}/")
    got = page.evaluate(ATTACK.replace("SCRIPT", repr(script)), target)
    assert got == {"socket": False, "fetch": False, "upload": False, "picture": False, "script": False}
    assert "secret" not in "".join(frame.content() for frame in page.frames)
    # The same acts are the owner's every day: what refused them was where they came from.
    allowed = own.evaluate(ATTACK.replace("SCRIPT", repr(script)), target)
    assert (allowed["socket"], allowed["fetch"], allowed["picture"]) == (True, True, True)


def test_a_name_that_leads_here_shows_nothing(mine: Server, window):
    opened(window, mine.url("browse"))
    page = window.new_page()
    for address in (f"http://rebound.example:{mine.port}/browse", mine.url("browse").replace("127.0.0.1", "a.example")):
        assert page.goto(address).status == 403
        assert page.inner_text("h1") == "Unknown host name"


def test_a_link_opens_nothing_in_another_browser_until_the_address_was_opened(mine: Server, window):
    page = window.new_page()
    for link in (f"{mine.dashboard.address}/browse", mine.url("browse")[:-1]):
        assert page.goto(link).status == 403
        assert page.inner_text("h1") == "This dashboard is private"
    opened(window, mine.url("browse"))
    page.reload()
    page.wait_for_selector(".item >> text=Which secret?")


def test_a_link_on_another_site_opens_the_page_for_the_owner_alone(mine: Server, elsewhere: int, window):
    link = f"{mine.dashboard.address}/browse"
    page = window.new_page()
    page.goto(f"http://blog.example:{elsewhere}/?{link}")
    page.click("a")
    page.wait_for_selector("h1 >> text=This dashboard is private")
    opened(window, mine.url("browse"))
    page.goto(f"http://blog.example:{elsewhere}/?{link}")
    page.click("a")
    page.wait_for_selector(".item >> text=Which secret?")
    # So does the whole address, say in an e-mail to oneself.
    window.clear_cookies()
    page.goto(f"http://blog.example:{elsewhere}/?{mine.url('browse')}")
    page.click("a")
    page.wait_for_selector(".item >> text=Which secret?")


def test_a_tab_goes_on_once_the_new_address_is_open(tmp_path: Path, window, monkeypatch):
    project = Project.create(tmp_path / "project")
    fill(project, [Row("Which secret?", "This one", base=2.0, reference=1.0)])
    first = start_server(project, tmp_path / "first.log")
    tab = opened(window, first.url("browse"))
    stop_server(first)
    monkeypatch.setenv("LOBASS_CACHE", str(tmp_path / "cache"))
    spec = ServeSpec(port=first.port, open_browser=False, new_token=True)
    second = start(project.root, spec, tmp_path / "second.log")
    try:
        tab.wait_for_selector("text=This dashboard has a new token")
        opened(window, second.url("browse"))
        tab.wait_for_selector("text=This dashboard has a new token", state="detached")
        tab.wait_for_selector(".item >> text=Which secret?")
    finally:
        window.close()
        second.stop()
