"""Options that have a new name: the old one is still accepted, and help and documents no longer show it."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand


def accepting(former: Mapping[str, str]) -> type[TyperCommand]:
    """A command class whose options are also found under old names: {"--output": "--to", "-o": "--to"}.

    The parser itself knows both, so `--output=FILE` and `-oFILE` work, and a value that looks like an old name is
    still a value. Hidden options of their own would each need a merge, and could not be required.
    """

    class Command(TyperCommand):
        def make_parser(self, ctx: Any) -> Any:
            parser = super().make_parser(ctx)
            for old, new in former.items():
                option = parser._long_opt[new]
                (parser._long_opt if old.startswith("--") else parser._short_opt)[old] = option
            return parser

    return Command
