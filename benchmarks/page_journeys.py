"""First paint of every page, and a hand on the cut, timed."""

import time
from collections.abc import Callable

from driver import Bench, Measure

N_OPENS = 3
N_DRAGS = 6
STEPS_A_DRAG = 120
# Page, its path, and what stands in its first full frame.
PAGES = (
    ("Overview", "", ".funnel"),
    ("Learnability", "learnability", ".distribution path.line"),
    ("Browse", "browse", ".item.current"),
    ("Select", "select", ".instrument .status.exact"),
    ("Trust", "trust", "[aria-label=Findings]"),
)
FRAMES = """() => {
  window.frames = []
  let last = performance.now()
  const note = (now) => { frames.push(now - last); last = now; window.noting = requestAnimationFrame(note) }
  window.noting = requestAnimationFrame((now) => { last = now; window.noting = requestAnimationFrame(note) })
}"""
STOP = "() => { cancelAnimationFrame(window.noting); return window.frames }"


def pages_open(bench: Bench) -> list[Measure]:
    """First paint of the pages that read every row: from a server of this second, in a new browser, in one in use."""
    found = []
    for name, path, ready in PAGES:
        later = [bench.open(path, ready) for _ in range(1 + N_OPENS)][1:]
        new = [fresh.open(path, ready) for fresh in bench.new_browsers(N_OPENS)]
        cold = []
        for _ in range(N_OPENS):
            with bench.anew() as fresh:
                cold.append(fresh.open(path, ready))
        found.append(Measure(f"First paint of {name}, server just started", cold, 3000))
        found.append(Measure(f"First paint of {name}, new browser", new, 3000))
        found.append(Measure(f"First paint of {name}", later, 3000))
    return found


def cut_moves(bench: Bench) -> list[Measure]:
    """Frames while the ratio, the common cut, a domain's cut and a weight move, and exact numbers after each."""
    bench.open("select", ".instrument .status.exact")
    time.sleep(1.0)
    found = []
    for name, balance, handle, reach in (
        ("ratio", "Natural", "[data-slider=ratio]", -120.0),
        ("cut", "Global", ".cut", -160.0),
        ("weights", "Custom", "[data-slider='weight-2']", 40.0),
    ):
        bench.page.get_by_text(balance, exact=True).click()
        bench.page.wait_for_selector(f"{handle} >> visible=true")
        bench.page.wait_for_selector(".instrument .status.exact")
        time.sleep(1.0)
        frames, exact = _drags(bench, handle, reach)
        found.append(Measure(f"Frame while the {name} moves", frames, 17.0, most=33.0))
        found.append(Measure(f"Exact numbers after the {name} moved", exact, 300))
    return found


def _drags(bench: Bench, handle: str, reach: float) -> tuple[list[float], list[float]]:
    """Milliseconds between frames during several drags, and from each release to the exact numbers."""
    frames, exact = [], []
    mouse = bench.page.mouse
    for number in range(N_DRAGS):
        box = bench.page.locator(handle).first.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        towards = reach if number % 2 == 0 else -reach
        mouse.move(x, y)
        mouse.down()
        bench.page.evaluate(FRAMES)
        for step in range(1, STEPS_A_DRAG + 1):
            mouse.move(x + towards * step / STEPS_A_DRAG, y)
            time.sleep(0.008)
        frames += bench.page.evaluate(STOP)
        exact.append(bench.time(mouse.up, "deep('.instrument .status.exact')"))
        time.sleep(0.5)
    return frames, exact


def server_memory(bench: Bench) -> list[Measure]:
    """Most resident memory that the server has had after all of the above."""
    return [Measure("Server memory", [bench.server.memory_info().rss / 1e6], 2000, unit="MB")]


JOURNEYS: dict[str, Callable[[Bench], list[Measure]]] = {
    "pages-open": pages_open,
    "cut-moves": cut_moves,
}
