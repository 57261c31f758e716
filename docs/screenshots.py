"""Take the pictures of the documents from the demo project: python docs/screenshots.py [PROJECT]

Starts the dashboard on a free port and drives a Chromium found here; writes docs/images/PAGE_SCHEME_WIDTH.png.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

REPOSITORY = Path(__file__).parents[1]
IMAGES = REPOSITORY / "docs" / "images"
PAGES = ("", "import", "score", "learnability", "browse", "select", "compare", "export")
# The demo saves one selection, so two methods are compared.
QUERIES = {"compare": "?compare.kind=Methods"}
SCHEMES = ("light", "dark")
SIZE = {"width": 1280, "height": 800}
# Long enough for the preflight of the Score page, the slowest thing that a page begins on its own.
SETTLE_MILLISECONDS = {"score": 25_000}
USUAL_MILLISECONDS = 4_000


@contextmanager
def dashboard(project: Path) -> Iterator[str]:
    """Address of a dashboard over the project, for the length of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.headless",
        "true",
        "--server.port",
        str(port),
    ]
    environment = {**os.environ, "LOBASS_PROJECT": str(project.resolve())}
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the dashboard did not start")


def take(browser: Browser, address: str, page_name: str, scheme: str) -> Path:
    """One picture of one page, once it has settled."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address + page_name + QUERIES.get(page_name, ""))
    page.wait_for_selector('[data-testid="stMainBlockContainer"]')
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=120_000)
    page.wait_for_timeout(SETTLE_MILLISECONDS.get(page_name, USUAL_MILLISECONDS))
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=120_000)
    target = IMAGES / f"{page_name or 'overview'}_{scheme}_{SIZE['width']}.png"
    page.screenshot(path=target)
    context.close()
    return target


def main() -> None:
    """Take every page in both schemes."""
    project = Path(sys.argv[1] if len(sys.argv) > 1 else REPOSITORY / "demo")
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise SystemExit("no Chromium on this machine")
    IMAGES.mkdir(exist_ok=True)
    with dashboard(project) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page_name in PAGES:
            for scheme in SCHEMES:
                print(take(browser, address, page_name, scheme))
        browser.close()


if __name__ == "__main__":
    main()
