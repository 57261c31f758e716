"""`lobass demo` says what it has built in words."""

from lobass_core.cli.demo import facts_of
from lobass_core.workflows.demo import DemoResult


def test_what_was_built_is_told_in_words():
    built = DemoResult(
        "/p/demo", 371, 10, "demo-base", "demo-reference", "r-0003", "demo", 62, "/p/demo/exports", 64.93
    )
    assert facts_of(built) == [
        ("folder", "/p/demo"), ("rows", 371), ("rejected", 10), ("base", "demo-base"),
        ("reference", "demo-reference"), ("scored by run", "r-0003"), ("selection", "demo, 62 rows"),
        ("export", "/p/demo/exports"), ("seconds", 64.9),
    ]  # fmt: skip
