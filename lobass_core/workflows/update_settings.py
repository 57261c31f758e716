"""The settings of an update: those of the dataset's import, unless they are given again."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from lobass_core.errors import RequestError
from lobass_core.formats.reading_rules import MEDIA, ROLE, columns_in, rules_in
from lobass_core.specs import ImportSpec
from lobass_core.store.datasets import Dataset
from lobass_core.workflows.hub_dataset import is_hub_id

# Which files are read. They hold for a new path only where they are said again.
_OF_FILES = ("config", "split", "revision", "exclude")
_OF_DOMAINS = ("domain", "domain_column", "domain_rules")


def asked_settings(dataset: Dataset) -> ImportSpec:
    """The settings that the dataset was last read with, as they were asked for.

    An import of an older version kept what they came to instead: its format and columns then count as asked for.

    Raises:
        RequestError: they cannot be read.
    """
    if dataset.import_spec:
        return ImportSpec.from_dict(json.loads(dataset.import_spec))
    kept = json.loads(dataset.spec)
    mapping = kept.get("mapping", {})
    roles = [(field.removeprefix(ROLE), role) for field, role in rules_in(mapping).items() if field.startswith(ROLE)]
    domain = kept.get("domain", "")
    return ImportSpec(
        path=dataset.path,
        domain=domain if domain or kept.get("domain_column") else "unnamed",
        format=kept.get("format", dataset.format),
        mapping=tuple(columns_in(mapping).items()),
        domain_column=kept.get("domain_column", ""),
        domain_rules=tuple((str(a), str(b), str(c)) for a, b, c in kept.get("domain_rules", ())),
        encoding=kept.get("encoding", "auto"),
        roles=tuple(roles),
        text_only=MEDIA in mapping,
        skip_lines=kept.get("skip_lines", 0),
        row_list=kept.get("row_list", ""),
        max_record_mb=kept.get("max_record_mb", 0),
    )


def update_settings(dataset: Dataset, asked: dict) -> ImportSpec:
    """The settings of an update: `asked` holds the fields that were given, the others are those of the dataset.

    Without a path the files are those of the last time. A domain that is given in one way replaces all three, and
    another format the columns.

    Raises:
        RequestError: a setting is not allowed, or the dataset's own cannot be read.
    """
    before = asked_settings(dataset)
    given = {name: value for name, value in asked.items() if value not in ("", (), 0, False, None, "auto")}
    if "name" in given:
        raise RequestError("--name applies only to a new dataset", where=dataset.name, do="Remove it.")
    kept = {field.name: getattr(before, field.name) for field in fields(before)}
    if "path" in given and _places(given["path"], given.get("more_paths", ())) != _places(
        before.path, before.more_paths
    ):
        kept |= {name: getattr(ImportSpec(path="", domain="-"), name) for name in (*_OF_FILES, "more_paths")}
    if "format" in given:
        kept["mapping"] = ()  # it names fields of the former format
    if any(name in given for name in _OF_DOMAINS):
        kept |= {"domain": "", "domain_column": "", "domain_rules": ()}
    return replace(before, **{**kept, **given, "name": ""})


def _places(path: str, more_paths: Sequence[str]) -> list[str]:
    """The paths as they are kept, so that the same file is the same however it is typed."""
    return [path if is_hub_id(path) else str(Path(path).expanduser().absolute()) for path in (path, *more_paths)]
