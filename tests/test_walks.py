"""The walks in docs/architecture.md lead through code that is there, in at most eight stations."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
WALK = re.compile(r"^\*\*(One \w+)\*\*.*?(?=^\*\*One |^## )", re.MULTILINE | re.DOTALL)
STATION = re.compile(r"^\d+\. `([^`]+)`, `(\w+)`: ", re.MULTILINE)


def test_every_station_of_the_walks_is_there():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walks = {walk[1]: STATION.findall(walk[0]) for walk in WALK.finditer(text)}
    assert list(walks) == ["One row", "One token", "One drag", "One decision"]
    for name, stations in walks.items():
        assert 4 <= len(stations) <= 8, name
        for path, holds in stations:
            code = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^\s*(def|class|function) {holds}\b", code, re.MULTILINE), f"{name}: {path} {holds}"
