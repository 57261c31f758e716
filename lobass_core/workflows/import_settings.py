"""The settings of an import as the store keeps them, and the name of the new dataset."""

import json
import re
from dataclasses import replace
from pathlib import Path

import duckdb

from lobass_core.errors import RequestError
from lobass_core.formats.record_limits import ReadLimits
from lobass_core.specs import ImportSpec
from lobass_core.store.datasets import free_name, list_datasets
from lobass_core.workflows.hub_dataset import is_hub_id
from lobass_core.workflows.source_file import SourceFile

_ENDINGS = re.compile(r"(\.(jsonl|ndjson|json|csv|tsv|tab|parquet|arrow|feather|txt))?(\.(gz|zst))?$", re.IGNORECASE)


def settings_as_json(spec: ImportSpec) -> str:
    """The settings that were asked for as JSON text, every path such that it is found from any folder."""
    paths = [
        path if number == 0 and is_hub_id(path) else str(Path(path).expanduser().absolute())
        for number, path in enumerate((spec.path, *spec.more_paths))
    ]
    return json.dumps(replace(spec, path=paths[0], more_paths=tuple(paths[1:])).to_dict(), ensure_ascii=False)


def settings_of(spec: ImportSpec, source: SourceFile) -> str:
    """The settings that decide what the file's rows become, as one JSON text: equal for equal imports."""
    # Left out where they are not set, as in the imports of the versions that did not know them.
    lines = {"skip_lines": spec.skip_lines} if spec.skip_lines else {}
    lists = {"row_list": spec.row_list} if spec.row_list else {}
    record_bytes = source.stream.limits.record_bytes
    longest = {"max_record_mb": record_bytes >> 20} if record_bytes != ReadLimits().record_bytes else {}
    return json.dumps(
        {
            **lines,
            **lists,
            **longest,
            "format": source.detection.format,
            "mapping": source.detection.mapping,
            "domain": spec.domain,
            "domain_column": spec.domain_column,
            "domain_rules": spec.domain_rules,
            "encoding": source.stream.encoding.name,
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def name_for(cursor: duckdb.DuckDBPyConnection, spec: ImportSpec, source: SourceFile) -> str:
    """The name of the new dataset: the one asked for, else a free one after the file.

    Raises:
        RequestError: it is taken, or holds what no name may.
    """
    if not spec.name:
        return free_name(cursor, dataset_name(Path(source.stream.files.name)))
    if spec.name != dataset_name(Path(spec.name), keep_suffix=True):
        raise RequestError(
            f"the name {spec.name!r} cannot be used",
            do="Use letters, digits, spaces, dots, hyphens and underscores.",
        )
    if any(dataset.name == spec.name for dataset in list_datasets(cursor)):
        raise RequestError(f"a dataset named {spec.name!r} already exists", do="Use another --name.")
    return spec.name


def dataset_name(path: Path, *, keep_suffix: bool = False) -> str:
    """The file's name without its endings, fit to be typed in a comma-separated list."""
    name = path.name if keep_suffix else _ENDINGS.sub("", path.name)
    return re.sub(r"[^\w .\-]+", "_", name).strip() or "data"
