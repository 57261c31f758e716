"""The options of `lobass import`, and its rejects, from the shell."""

from pathlib import Path

import pytest

from lobass_core.project import Project
from lobass_core.store.connection import release
from lobass_core.store.datasets import list_datasets

CASES = Path(__file__).parents[1] / "formats" / "cases"


@pytest.fixture
def root(tmp_path: Path):
    Project.create(tmp_path / "p")
    yield tmp_path / "p"
    release(tmp_path / "p" / "store.duckdb")


def counts(root: Path) -> list[tuple[str, int, int]]:
    with Project.open(root).store() as store:
        return [(found.name, found.n_rows, found.n_rejected) for found in list_datasets(store.cursor())]


@pytest.mark.parametrize(
    ("file", "options", "expected"),
    [
        ("roles/odd_roles.jsonl", ("--role", "gpt4=assistant", "--role", "问=user,答=assistant"), ("odd_roles", 9, 9)),
        ("images/llava.jsonl", (), ("llava", 1, 1)),
        ("images/llava.jsonl", ("--text-only",), ("llava", 2, 0)),
        ("csv/title_line.csv", ("--skip-lines", "2"), ("title_line", 3, 0)),
        ("json-shapes/splits.json", (), ("splits", 6, 0)),
        ("json-shapes/splits.json", ("--list", "test"), ("splits", 2, 0)),
        (
            "csv/semicolon_comma_in_header.csv",
            ("--map", "prompt=prompt, as asked,response=response"),
            ("semicolon_comma_in_header", 3, 0),
        ),
    ],
)  # fmt: skip
def test_options(lobass, root: Path, file: str, options: tuple, expected: tuple) -> None:
    ran = lobass("import", CASES / file, "--project", root, "--domain", "d", *options)
    assert ran.exit_code == 0, ran
    assert counts(root) == [expected]


def test_what_was_left_out_is_said(lobass, root: Path) -> None:
    ran = lobass("import", CASES / "images/sharegpt_images.jsonl", "--project", root, "--domain", "d", "--text-only")
    assert "1 image, 1 video and 1 audio file" in ran.out
    shown = lobass("import", CASES / "json-shapes/splits.json", "--project", root, "--domain", "d", "--preview", "1")
    assert "one JSON object with its rows under 'train', 'validation' and 'test'" in " ".join(shown.out.split())


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--role", "gpt4=robot"), "unknown role 'robot'"),
        (("--role", "gpt4"), "'gpt4' does not have the form name=value"),
        (("--map", "=a"), "'=a' does not have the form field=column"),
        (("--list", "dev"), "has no lists"),
    ],
)
def test_settings_that_cannot_be_meant(lobass, root: Path, options: tuple, part: str) -> None:
    ran = lobass("import", CASES / "roles/odd_roles.jsonl", "--project", root, "--domain", "d", *options)
    assert ran.exit_code == 2
    assert part in " ".join(ran.err.split())
    assert ran.out == ""


def test_rejects(lobass, root: Path, tmp_path: Path) -> None:
    lobass("import", CASES / "rejects/rej.jsonl", "--project", root, "--domain", "d")
    (tmp_path / "esc.jsonl").write_text(
        '{"prompt": "p", "response": "r"}\n{"a": "\x1b[31mred\u202e"}\n', encoding="utf-8"
    )
    lobass("import", tmp_path / "esc.jsonl", "--project", root, "--domain", "d")
    shown = lobass("rejects", "--project", root)
    assert shown.exit_code == 0
    assert "unknown role 'gpt4'" in " ".join(shown.out.split())
    assert "\x1b[31mred" not in shown.out
    assert "\u202e" not in shown.out
    found = lobass("rejects", "rej", "--project", root, "--json", "--limit", "2").json
    assert [(reject["row_index"], reject["line"]) for reject in found] == [(0, 1), (2, 3)]
    for name in ("r.csv", "r.jsonl"):
        written = lobass("rejects", "--project", root, "--to", tmp_path / name, "--json").json
        assert written == {"file": str(tmp_path / name), "n_written": 4}
    assert lobass("rejects", "none", "--project", root).exit_code == 2
