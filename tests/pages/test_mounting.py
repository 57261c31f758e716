"""Newer data that overtakes older on a busy browser lets no component go.

Streamlit awaits a component's script for each of its data. If newer data comes meanwhile, it mounts both and at once
calls what the older mount returned.
"""

import pytest

from tests.pages.list_scripts import run

# What each component does when it goes, counted; the parts that need a page are stood in for.
COMPONENTS = {
    "sample_list": (
        ("../when_gone.js", "mount.js"),
        "class App { constructor(root) { mounted += 1 } receive() {} destroy() { gone += 1 } }",
    ),
    "cut_instrument": (
        ("../when_gone.js", "../cut_instrument/mount.js"),
        """function paintDomainColours() {}
        function receive() {}
        function mount() { mounted += 1; return { observer: { disconnect() { gone += 1 } } } }""",
    ),
    "distribution_chart": (
        ("../when_gone.js", "../distribution_chart/chart.js"),
        """function paintDomainColours() {}
        function receive() {}
        function mount() { mounted += 1; return { observer: { disconnect() { gone += 1 } } } }""",
    ),
    "number_field": (
        ("../when_gone.js", "../number_field/mark.js"),
        """const field = { setAttribute() { mounted = 1 }, removeAttribute(name) { gone += name === "aria-invalid" } }
        const document = { querySelector: () => field }
        const CSS = { escape: (text) => text }""",
    ),
}
PAGE = """
    let mounted = 0, gone = 0
    const window = { removeEventListener() {} }
    const setTimeout = (act) => act()
"""
BODY = """
    const root = { isConnected: true }
    const component = { data: { field: "x" }, parentElement: { querySelector: () => root }, setStateValue() {} }
    const older = entry(component)
    const newer = entry(component)
    older()
    const overtaken = [mounted, gone]
    root.isConnected = false
    newer()
    return [overtaken, gone]
"""


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_goes_with_its_element_alone(name: str) -> None:
    scripts, parts = COMPONENTS[name]
    assert run(BODY, *scripts, after=PAGE + parts) == [[1, 0], 1]
