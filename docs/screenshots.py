"""Take the pictures of the documents from the demo project: python docs/screenshots.py [PROJECT [PAGE ...]]

Starts the dashboard on a free port and drives a Chromium found here; writes docs/images/PAGE_SCHEME_WIDTH.png.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from lobass_core.workflows.serve import Served, ServeSpec, free_port, served

REPOSITORY = Path(__file__).parents[1]
IMAGES = REPOSITORY / "docs" / "images"
PAGES = ("overview", "import", "score", "learnability", "browse", "select", "trust", "compare", "validate", "export")
# The demo saves one selection, so two methods are compared; Import shows a file of its own.
QUERIES = {"compare": "?kind=methods", "import": "?path={project}/sample_data/math.jsonl&domain=math"}
SCHEMES = ("light", "dark")
SIZE = {"width": 1280, "height": 800}
# Long enough for the preflight of the Score page, the slowest thing that a page begins on its own.
SETTLE_MILLISECONDS = {"score": 25_000}
USUAL_MILLISECONDS = 4_000


def take(browser: Browser, dashboard: Served, project: Path, page_name: str, scheme: str) -> Path:
    """One picture of one page, once it has settled."""
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    path = "" if page_name == "overview" else page_name
    page.goto(dashboard.url(path + QUERIES.get(page_name, "").format(project=project)))
    page.wait_for_selector('[data-testid="stMainBlockContainer"]')
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=120_000)
    page.wait_for_timeout(SETTLE_MILLISECONDS.get(page_name, USUAL_MILLISECONDS))
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')", timeout=120_000)
    target = IMAGES / f"{page_name}_{scheme}_{SIZE['width']}.png"
    page.screenshot(path=target)
    context.close()
    return target


def main() -> None:
    """Take every page in both schemes."""
    project = Path(sys.argv[1] if len(sys.argv) > 1 else REPOSITORY / "demo").resolve()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise SystemExit("no Chromium on this machine")
    IMAGES.mkdir(exist_ok=True)
    spec = ServeSpec(port=free_port(), open_browser=False)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(project, spec, Path(folder) / "log") as dashboard,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page_name in sys.argv[2:] or PAGES:
            for scheme in SCHEMES:
                print(take(browser, dashboard, project, page_name, scheme))
        browser.close()


if __name__ == "__main__":
    main()
