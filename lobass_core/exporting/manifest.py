"""manifest.json: what went in, what was chosen and why, what came out; enough to write the same bytes again."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import get_args

import pyarrow as pa

from lobass_core import __version__
from lobass_core.errors import ExportError
from lobass_core.exporting.destination import MANIFEST_MARK
from lobass_core.exporting.layout import Written
from lobass_core.exporting.plan import (
    DROPPED_SCHEMA,
    LATER_FIELDS,
    PICKS_SCHEMA,
    ExportPlan,
    FileReceipt,
    SourceFile,
    measure_field,
)
from lobass_core.exporting.row_weights import WEIGHT_TEXT
from lobass_core.specs import ExportFormat, ExportOrder

MANIFEST_VERSION = 1
# Raised for a format when the same picks would come out as other bytes of what a trainer reads: a replay of an older
# one is refused by name. Explanations and scripts (EXPLAINING) do not count.
LAYOUT_VERSIONS: dict[str, int] = dict.fromkeys(get_args(ExportFormat), 2) | {
    "trl": 5,
    "axolotl": 4,
    "huggingface": 3,
    "parquet": 3,
    "tokens": 3,
}
# Files that a replay writes as this version does, with a note where the earlier ones were different.
EXPLAINING = (".md", ".py")
# How the manifest says the order of the picks.
ORDERS: dict[ExportOrder, str] = {"file": "dataset by name, then row of its file", "rank": "rank, the best first"}


def manifest_of(plan: ExportPlan, written: Written, files: Sequence[FileReceipt]) -> dict:
    """The manifest as plain JSON values. Nothing in it depends on the clock, the machine or the destination."""
    manifest = {
        MANIFEST_MARK: MANIFEST_VERSION,
        "program": {"name": "lobass", "version": __version__},
        "export": {
            "format": plan.format,
            "layout": LAYOUT_VERSIONS[plan.format],
            "selection": plan.selection,
            "order": ORDERS[plan.order],
            "with_dropped": plan.with_dropped,
            "license": plan.license,
            "languages": list(plan.languages),
            **({"validation": {"asked": plan.validation, "seed": plan.seed}} if plan.validation else {}),
            **({"weight": WEIGHT_TEXT} if plan.weighted else {}),
        },
        "sources": [_source(source) for source in plan.sources],
        **plan.facts,
        "written": {
            "n_rows": written.n_rows,
            **({"n_validation": written.n_validation} if plan.validation else {}),
            "n_not_written": len(written.refusals),
            "not_written": [asdict(refusal) for refusal in written.refusals],
            "notes": written.notes,
        },
        "files": [
            {"name": one.name, "holds": one.holds, "rows": one.rows, "bytes": one.n_bytes, "sha256": one.sha256}
            for one in files
        ],
        "picks": _columns(plan.picks),
    }
    if plan.dropped is not None:
        manifest["dropped"] = _columns(plan.dropped)
    return manifest


def _source(source: SourceFile) -> dict:
    """A source without what the manifest that it is taken from did not say."""
    return {name: value for name, value in asdict(source).items() if value is not None}


def _columns(table: pa.Table) -> dict[str, list]:
    return {name: table[name].to_pylist() for name in table.schema.names}


def manifest_text(manifest: dict) -> bytes:
    """JSON with one key a line at the top, and one column of the picks a line: to be read, compared and grepped."""
    blocks = []
    for key, value in manifest.items():
        if key in ("picks", "dropped"):
            lines = ",\n".join(f"  {json.dumps(name)}: {_compact(column)}" for name, column in value.items())
            text = f"{{\n{lines}\n }}"
        else:
            text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False).replace("\n", "\n ")
        blocks.append(f" {json.dumps(key)}: {text}")
    return ("{\n" + ",\n".join(blocks) + "\n}\n").encode("utf-8", "backslashreplace")


def _compact(values: list) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def without_rows(manifest: dict) -> dict:
    """The manifest as a log keeps it: no picks, no dropped rows, no list of refusals."""
    short = {key: value for key, value in manifest.items() if key not in ("picks", "dropped")}
    return short | {"written": {key: value for key, value in manifest["written"].items() if key != "not_written"}}


def plan_of(manifest: dict, where: str) -> ExportPlan:
    """The plan that a manifest was written from.

    Raises:
        ExportError: it is of a newer version, or damaged.
    """
    if manifest[MANIFEST_MARK] > MANIFEST_VERSION:
        raise ExportError(
            f"the manifest has version {manifest[MANIFEST_MARK]}; this program reads version {MANIFEST_VERSION}",
            where=where,
            do="Use the version of LoBaSS that wrote it, or a newer one.",
        )
    own = {MANIFEST_MARK, "program", "export", "sources", "written", "files", "picks", "dropped"}
    try:
        export, picks = manifest["export"], manifest["picks"]
        _check_layout(manifest, where)
        schema = _picks_schema(picks)
        validation = export.get("validation", {"asked": 0.0, "seed": 0})
        return ExportPlan(
            format=export["format"],
            selection=export["selection"],
            sources=tuple(SourceFile(**source) for source in manifest["sources"]),
            picks=pa.table(picks, schema=schema),
            facts={key: value for key, value in manifest.items() if key not in own},
            with_dropped=export["with_dropped"],
            dropped=pa.table(manifest["dropped"], schema=DROPPED_SCHEMA) if "dropped" in manifest else None,
            license=export["license"],
            languages=tuple(export["languages"]),
            order={text: order for order, text in ORDERS.items()}[export["order"]],
            validation=validation["asked"],
            seed=validation["seed"],
            weighted="weight" in export,
        )
    except (KeyError, TypeError, ValueError, AttributeError, pa.ArrowException) as error:
        raise ExportError(f"the manifest is damaged: {error}", where=where, do="Restore it from a backup.") from error


def _picks_schema(picks: dict[str, list]) -> pa.Schema:
    """The columns in the order in which the manifest has them; what has no name of ours is a measure."""
    known = {field.name: field for field in (*PICKS_SCHEMA, *LATER_FIELDS)}
    more = [known.get(name) or measure_field(name) for name in picks if name not in PICKS_SCHEMA.names]
    return pa.schema([*PICKS_SCHEMA, *more])


def _check_layout(manifest: dict, where: str) -> None:
    """Raises ExportError where this program would write the format in other bytes than the manifest promises."""
    format, layout = manifest["export"]["format"], manifest["export"].get("layout", 1)
    if layout != LAYOUT_VERSIONS.get(format):
        version = manifest.get("program", {}).get("version", "an unknown version")
        raise ExportError(
            f"the manifest has layout {layout} of {format}; this program writes layout {LAYOUT_VERSIONS.get(format)}",
            where=where,
            do=f"Replay it with LoBaSS {version}, which wrote it, or export the selection again.",
        )


def differing_files(manifest: dict, files: Sequence[FileReceipt]) -> list[str]:
    """Names of files whose bytes are not those that the manifest promises."""
    promised = {entry["name"]: entry["sha256"] for entry in manifest.get("files", [])}
    made = {one.name: one.sha256 for one in files}
    return sorted(name for name in promised.keys() | made.keys() if promised.get(name) != made.get(name))
