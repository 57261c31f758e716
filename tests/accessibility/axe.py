"""axe-core in the page of a test: the rules that it ships, all of them, on everything that is shown.

    violations(page)        [] or ["color-contrast: .tag.amber (contrast 4.08, expected 4.5)", ...]

The script comes with the package `axe-playwright-python`; it is run by the test's own connection to the browser, so
that neither the page's Content-Security-Policy nor a network has to let it in.
"""

from importlib.resources import files

from playwright.sync_api import Page

SCRIPT = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# (rule, selector, why): nodes of Streamlit's that no style and no attribute of ours can mend. Each is named in
# docs/pages.md.
EXCLUDED: tuple[tuple[str, str, str], ...] = ()

_RUN = """async (excluded) => {
  const found = await axe.run(document, { resultTypes: ["violations"] })
  const element = (target) => target.flat().reduce((root, selector) => {
    const node = root?.querySelector(selector)
    return node?.shadowRoot && selector !== target.flat().at(-1) ? node.shadowRoot : node
  }, document)
  const isExcluded = (rule, node) =>
    excluded.some(([name, selector]) => name === rule && element(node.target)?.matches(selector))
  return found.violations.flatMap((violation) => violation.nodes
    .filter((node) => !isExcluded(violation.id, node))
    .map((node) => {
      const why = [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ")
      return `${violation.id}: ${node.target.flat().join(" >> ")} (${why}) ${node.html.slice(0, 160)}`
    }))
}"""


def version() -> str:
    """Version of the axe-core that is run."""
    return SCRIPT.split("axe v", 1)[1].split("\n", 1)[0].strip()


def violations(page: Page) -> list[str]:
    """Every violation of every rule, a line a node; empty for a page without any."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(SCRIPT)
    return page.evaluate(_RUN, [[rule, selector] for rule, selector, _ in EXCLUDED])
