"""Every `lobass` line in the documents names a command and options that exist, and every anchor a heading."""

import re
from pathlib import Path

import pytest
import typer

from lobass_core.cli.main import app

REPOSITORY = Path(__file__).parents[1]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
# What the changelog says of names that are no more.
FORMER = {"lobass scores --output", "lobass browse --preflight"}


def options_by_command() -> dict[str, set[str]]:
    """`lobass import` -> its options; groups with their commands."""
    found: dict[str, set[str]] = {}

    def walk(command, words: str) -> None:
        found[words] = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"-h", "--help"}
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, f"{words} {name}")

    walk(typer.main.get_command(app), "lobass")
    return found


def lines_of(text: str) -> list[str]:
    """The lines of a document that begin with `lobass`, in blocks and within sentences; joined where they continue."""
    text = re.sub(r"\\\n\s*", " ", text)
    within = [re.sub(r"\s+", " ", one) for one in re.findall(r"`(lobass [^`]+)`", text)]
    return within + re.findall(r"^(?:    |LOBASS_\w+=\S+ |HF_TOKEN=\S+ )?(lobass [^#\n]+)", text, re.M)


def unknown_in(line: str, known: dict[str, set[str]]) -> list[str]:
    words = [word.strip("'\".,;()") for word in line.split()]
    command = " ".join(words[:3]) if " ".join(words[:3]) in known else " ".join(words[:2])
    if command not in known:
        return [] if re.match(r"[A-Z-]|\.\.\.|…", words[1]) else [command]
    given = {re.split(r"[=/]", word)[0] for word in words if re.match(r"--?[a-z]", word)}
    return [f"{command} {one}" for one in sorted(given - known[command])]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_lines_of_the_documents_name_what_exists(document: Path):
    known = options_by_command()
    lines = lines_of(document.read_text(encoding="utf-8"))
    assert [one for line in lines for one in unknown_in(line, known) if one not in FORMER] == []


def test_a_line_of_what_is_not_there_is_found():
    known = options_by_command()
    text = (
        "Run `lobass browse\n--prefligt` or\n\n    lobass selekt --name x\n\nand `lobass decisions export --nothing F`."
    )
    assert [one for line in lines_of(text) for one in unknown_in(line, known)] == [
        "lobass browse --prefligt", "lobass decisions export --nothing", "lobass selekt",
    ]  # fmt: skip


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub gives the headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_anchors_in_the_documents_are_headings():
    broken = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#([^)]+)\)", text):
            other = (document.parent / target) if target else document
            if anchor not in anchors_of(other.read_text(encoding="utf-8")):
                broken.append(f"{document.name}: {target}#{anchor}")
    assert broken == []
