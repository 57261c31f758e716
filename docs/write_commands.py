"""Write docs/commands.md from the help texts of `lobass` itself: python docs/write_commands.py"""

import re
from pathlib import Path

import typer.main
from typer.cli import get_docs_for_click

from lobass_core.cli.main import app

TARGET = Path(__file__).parent / "commands.md"
# An epilog of click whose lines stay as they are.
EXAMPLES = re.compile(r"^\x08\nExamples:\n((?:  .+(?:\n|$))+)", re.MULTILINE)
HEAD = "<!-- Written by docs/write_commands.py from the help texts. -->\n\n"


def commands_page() -> str:
    """The page as Markdown."""
    click_app = typer.main.get_command(app)
    with click_app.make_context("lobass", [], resilient_parsing=True) as context:
        page = get_docs_for_click(obj=click_app, ctx=context, name="lobass").strip()
    return HEAD + EXAMPLES.sub(_in_markdown, page) + "\n"


def _in_markdown(examples: re.Match[str]) -> str:
    lines = "\n".join(f"$ {line.strip()}" for line in examples[1].strip().splitlines())
    return f"**Examples**:\n\n```console\n{lines}\n```\n"


if __name__ == "__main__":
    TARGET.write_text(commands_page(), encoding="utf-8")
