"""How numbers and times are written."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pages.components import theme

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0"), (418, "418"), (5092, "5,092"), (9999, "9,999"), (10_000, "10.0k"), (770_800, "771k"), (999_949, "1000k"),
     (1_530_000, "1.53M"), (13_700_000, "13.7M"), (216_000_000, "216M"), (2_500_000_000, "2.50B")],
)  # fmt: skip
def test_compact(n: float, text: str) -> None:
    assert theme.compact(n) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (0.2, "under 1 s"), (51.4, "51 s"), (560, "9 min 20 s"), (7920, "2 h 12 min"), (273_600, "3 d 4 h")],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert theme.duration(seconds) == text


def test_numbers_have_a_real_minus_and_a_dash_for_none() -> None:
    assert theme.number(-0.1804, 2) == "−0.18"
    assert theme.signed(0.314) == "+0.31"
    assert theme.number(float("nan")) == theme.number(None) == "–"
    assert theme.percent(0.0634) == "6.3 %"
    assert theme.byte_size(14_600_000_000) == "14.6 GB"


@pytest.mark.parametrize(
    ("iso", "text"),
    [("2026-05-12T11:59:30+00:00", "just now"), ("2026-05-12T11:55:00+00:00", "5 min ago"),
     ("2026-05-12T10:00:00", "2 h ago"), ("2026-05-11T10:00:00+00:00", "yesterday"),
     ("2026-05-09T10:00:00+00:00", "3 days ago"),
     ("2026-03-02T10:00:00+00:00", "2 Mar 2026"), ("", "–"), ("soon", "–")],
)  # fmt: skip
def test_ago(iso: str, text: str) -> None:
    assert theme.ago(iso, datetime(2026, 5, 12, 12, 0, tzinfo=UTC)) == text


def test_domain_slots_are_alphabetical_and_wrap_after_eight() -> None:
    assert theme.domain_slots(["math", "code", "math"]) == {"code": 0, "math": 1}
    assert theme.domain_slots("abcdefghi")["i"] == 0


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_palette_is_the_theme_file(palette: theme.Palette) -> None:
    section = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["theme"][palette.kind]
    assert palette.domains == tuple(section["chartCategoricalColors"])
    assert (palette.primary, palette.kept, palette.ground, palette.second_ground, palette.text, palette.border) == (
        section["primaryColor"], section["greenColor"], section["backgroundColor"],
        section["secondaryBackgroundColor"], section["textColor"], section["borderColor"],
    )  # fmt: skip
    assert (palette.muted, palette.amber, palette.red) == (
        section["grayColor"], section["orangeColor"], section["redColor"]
    )  # fmt: skip
