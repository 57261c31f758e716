"""Write docs/commands.md from the help texts of `lobass` itself: python docs/write_commands.py"""

from pathlib import Path

import typer.main
from typer.cli import get_docs_for_click

from lobass_core.cli.main import app

TARGET = Path(__file__).parent / "commands.md"
HEAD = "<!-- Written by docs/write_commands.py from the help texts. -->\n\n"


def commands_page() -> str:
    """The page as Markdown."""
    click_app = typer.main.get_command(app)
    with click_app.make_context("lobass", [], resilient_parsing=True) as context:
        return HEAD + get_docs_for_click(obj=click_app, ctx=context, name="lobass").strip() + "\n"


if __name__ == "__main__":
    TARGET.write_text(commands_page(), encoding="utf-8")
