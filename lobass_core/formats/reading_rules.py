"""What a person decided about how records read, beyond the columns: it is kept in the mapping, with which each record
of a dataset can be read again.

    {"conversations": "turns", "role:gpt4": "assistant", "media": "dropped"}
"""

from collections.abc import Iterable, Mapping
from typing import Any

from lobass_core.formats.media import counted, media_of, without_media
from lobass_core.formats.row_errors import RowError
from lobass_core.formats.turn_lists import CONTENT_KEYS, ROLE_KEYS, is_turn_list, turn_list
from lobass_core.formats.turns import plain_role

ROLE = "role:"
MEDIA, DROPPED = "media", "dropped"


def rules(roles: Iterable[tuple[str, str]], *, text_only: bool) -> dict[str, str]:
    """The decisions as entries of a mapping."""
    renamings = {f"{ROLE}{plain_role(spoken)}": role for spoken, role in roles}
    return {**renamings, MEDIA: DROPPED} if text_only else renamings


def is_rule(field: str) -> bool:
    """Whether an entry of a mapping is a rule; the others are columns."""
    return field == MEDIA or field.startswith(ROLE)


def columns_in(mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping's columns without its rules."""
    return {field: column for field, column in mapping.items() if not is_rule(field)}


def rules_in(mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping's rules without its columns."""
    return {field: value for field, value in mapping.items() if is_rule(field)}


def applied(row: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The row as the rules want it: speakers renamed, media taken out.

    Raises:
        RowError: the row has media and no rule drops them.
    """
    if media := media_of(row):
        if mapping.get(MEDIA) != DROPPED:
            raise RowError(f"has {counted(media)} besides its text; only text is read")
        row = without_media(row)
    for field in mapping:
        if field.startswith(ROLE):
            roles = {name.removeprefix(ROLE): role for name, role in mapping.items() if name.startswith(ROLE)}
            return {key: _renamed(value, roles) for key, value in row.items()}
    return row


def _renamed(value: Any, roles: Mapping[str, str]) -> Any:
    if isinstance(value, str) and is_turn_list(value):
        try:
            value = turn_list(value, "")
        except RowError:
            return value
    if isinstance(value, list):
        return [_renamed(item, roles) for item in value]
    if not isinstance(value, dict):
        return value
    named = {key: _renamed(item, roles) for key, item in value.items()}
    if any(key in value for key in CONTENT_KEYS):
        for key in ROLE_KEYS:
            if key in value:
                named[key] = _role(value[key], roles)
    return named


def _role(spoken: Any, roles: Mapping[str, str]) -> Any:
    if isinstance(spoken, list):
        return [_role(item, roles) for item in spoken]
    return roles.get(plain_role(spoken), spoken)
