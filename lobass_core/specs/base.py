"""What the settings of every action share: saved as a plain dict, read back, checked when they are built."""

import dataclasses
from typing import Any, Self, get_args

import msgspec

from lobass_core.errors import RequestError

# Settings that were saved under another name once.
_FORMER_NAMES = {"budget_tokens": "batch_tokens"}


def with_present_names(values: Any) -> Any:
    """A JSON value in which every setting has the name that it has now, however deep it lies."""
    if isinstance(values, dict):
        return {_FORMER_NAMES.get(key, key): with_present_names(value) for key, value in values.items()}
    return [with_present_names(value) for value in values] if isinstance(values, list) else values


def check_choice(name: str, value: str, kind: Any) -> None:
    if value not in get_args(kind):
        raise RequestError(f"unknown {name} {value!r}", do=f"Choose one of: {', '.join(get_args(kind))}.")


class Spec:
    """Saves itself as a plain dict and comes back from one."""

    def to_dict(self) -> dict:
        return dataclasses.asdict(self)  # type: ignore[call-overload]

    @classmethod
    def from_dict(cls, values: dict) -> Self:
        """Inverse of `to_dict`, also of what became of it in JSON.

        Raises:
            RequestError: a setting is unknown, missing, of another type, or not allowed.
        """
        values = cls._with_later_settings(with_present_names(values))
        try:
            spec = msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            raise RequestError(f"the saved settings cannot be read as {cls.__name__}: {error}") from error
        if unknown := unknown_settings(values, spec):
            raise RequestError(f"{cls.__name__} has no setting {', '.join(unknown)}")
        return spec

    @classmethod
    def _with_later_settings(cls, values: dict) -> dict:
        """The values with what a spec means that was saved before some setting was made."""
        return values


def unknown_settings(values: dict, spec: Any) -> list[str]:
    """Dotted names of the keys in `values` that the dataclass made of them does not have."""
    return _unknown(values, msgspec.to_builtins(spec), "")


def _unknown(values: Any, known: Any, place: str) -> list[str]:
    if isinstance(values, dict) and isinstance(known, dict):
        inner = [name for key in values if key in known for name in _unknown(values[key], known[key], f"{place}{key}.")]
        return [f"{place}{key}" for key in values if key not in known] + inner
    if isinstance(values, list | tuple) and isinstance(known, list | tuple):
        return [name for one, other in zip(values, known, strict=False) for name in _unknown(one, other, place)]
    return []
