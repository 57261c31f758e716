"""Whether runs of this process may load Python code that ships with a model: a command may, the dashboard never.

Whoever finds a way into a page could otherwise name a model whose code then runs on this machine.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from lobass_core.errors import RequestError
from lobass_core.specs import ModelSpec

_ruled_out = False


def rule_out() -> None:
    """From now on this process makes and starts no run that trusts a model's code."""
    global _ruled_out
    _ruled_out = True


def check(spec: object) -> None:
    """Raises RequestError where a run is asked to trust a model's code and this process rules that out."""
    if not _ruled_out:
        return
    for model in _models(spec):
        if model.trust_remote_code:
            raise RequestError(
                "a model with its own Python code can be run only from the command line",
                where=model.path,
                do="Run lobass score or lobass train-reference with --trust-remote-code in a terminal.",
            )


def _models(value: object) -> Iterator[ModelSpec]:
    """Every model that a spec names, however deep."""
    if isinstance(value, ModelSpec):
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from _models(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _models(getattr(value, field.name))
