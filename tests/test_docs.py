"""What is documented is there, and what is there is documented."""

import re
import runpy
from pathlib import Path

from lobass_core.cli.main import app

REPOSITORY = Path(__file__).parents[1]


def test_the_commands_page_is_what_the_commands_say():
    written = runpy.run_path(str(REPOSITORY / "docs" / "write_commands.py"))["commands_page"]()
    assert (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8") == written, "python docs/write_commands.py"


def test_every_command_in_the_readme_exists():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^lobass ([\w-]+)", readme, re.MULTILINE))
    assert named
    known = {command.name for command in (*app.registered_commands, *app.registered_groups)}
    assert named - known == set()


def test_links_in_the_documents_lead_somewhere():
    broken = []
    for document in [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8")):
            if not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []
