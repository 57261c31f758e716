"""Run `lobass` in this process, as the shell would."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from lobass_core.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What one command left behind."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


@pytest.fixture
def lobass(monkeypatch, capfd) -> Callable[..., Ran]:
    """Call with the words of a command line; stdout and stderr are those of the process."""
    monkeypatch.delenv("LOBASS_PROJECT", raising=False)

    def run(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["lobass", *(str(word) for word in words)])
        code = 0
        capfd.readouterr()
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        captured = capfd.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
