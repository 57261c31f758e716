"""Write an export whole, check it, and only then let it take its place."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from lobass_core.errors import ExportError
from lobass_core.exporting.data_file import DataFile, JsonRows, write_text
from lobass_core.exporting.dataset_card import dataset_card
from lobass_core.exporting.destination import MANIFEST_NAME, Claim, staging
from lobass_core.exporting.layout import Job, Layout, Written
from lobass_core.exporting.manifest import EXPLAINING, differing_files, manifest_of, manifest_text
from lobass_core.exporting.parquet_layouts import huggingface, parquet
from lobass_core.exporting.plan import ExportPlan, ExportReceipt, FileReceipt, ReadTexts, ReadTokens
from lobass_core.exporting.published_layouts import alpaca, messages, prompt_completion, sharegpt
from lobass_core.exporting.read_rows import PickedRows
from lobass_core.exporting.source_layout import source
from lobass_core.exporting.tokens_layout import tokens as tokens_as_scored
from lobass_core.exporting.trainer_layouts import axolotl, llama_factory, trl
from lobass_core.exporting.validation_split import n_validation_rows
from lobass_core.exporting.verify import verify
from lobass_core.words.plural import plural

OnProgress = Callable[[int, int], None]
Check = Callable[[Path, Written], list[str]]
Record = Callable[[ExportReceipt, dict], None]
DROPPED_NAME = "dropped.jsonl"

LAYOUTS: dict[str, Layout] = {
    "messages": messages,
    "alpaca": alpaca,
    "sharegpt": sharegpt,
    "prompt-completion": prompt_completion,
    "source": source,
    "parquet": parquet,
    "huggingface": huggingface,
    "trl": trl,
    "axolotl": axolotl,
    "llama-factory": llama_factory,
    "tokens": tokens_as_scored,
}
# Readings of every picked record: layouts that look at all rows before they write read them twice.
_PASSES = {"source": 1, "tokens": 1, "prompt-completion": 3}


def write(
    plan: ExportPlan,
    read_texts: ReadTexts,
    to: Path,
    *,
    originals: Mapping[str, Path] | None = None,
    tokens: ReadTokens | None = None,
    check: Check | None = None,
    on_progress: OnProgress | None = None,
    promised: dict | None = None,
    replace: bool = False,
    record: Record = lambda _receipt, _manifest: None,
) -> tuple[ExportReceipt, dict]:
    """Write the plan into the folder and return the receipt and the manifest; nothing is left behind by a failure.

    `on_progress(n_done, n_total)` counts rows. `check` looks at what was written before it takes its place, and says
    what a person should know. `promised` is the manifest of an export whose
    rows and settings must come out the same. `replace` lets it
    take the place of an untouched export of something else. `record` takes note of the export, which is whole by then,
    right before it takes its place: what cannot be recorded is not kept.

    Raises:
        ExportError: the destination is refused, the disk is full, no row fits, a file did not verify, or a replay came
            out different.
    """
    notes: list[str] = []
    count = _counter(plan.picks.num_rows, _PASSES.get(plan.format, 2), on_progress)
    texts = _counted(read_texts, count)
    with staging(to, Claim(plan.selection, plan.format, replace)) as folder:
        with contextlib.closing(PickedRows(plan, texts, folder, count)) as rows:
            written = LAYOUTS[plan.format](Job(plan, folder, rows, texts, originals or {}, tokens or _no_tokens))
        if not written.n_rows:
            reasons = "; ".join(_counts(refusal.reason for refusal in written.refusals))
            raise ExportError(f"no row fits the format {plan.format}: {reasons}", do="Use another format.")
        written.notes += [*_split_notes(plan, written), *_gone_notes(plan)]
        if plan.dropped is not None:
            written.files.append(_write_dropped(plan, read_texts, folder))
        card = write_text(folder, "README.md", "data card: sources, domains, models", dataset_card(plan, written))
        files = [*written.files, card]
        verify(folder, files)
        if promised is not None:
            notes = _check_promise(promised, files)
        if check is not None:
            notes += check(folder, written)
        manifest = manifest_of(plan, written, files)
        with DataFile(folder, MANIFEST_NAME, "every pick, setting and checksum") as file:
            file.write(manifest_text(manifest))
        verify(folder, [file.receipt()])
        receipt = _receipt(plan, written, [*files, file.receipt()], to, notes)
        record(receipt, manifest)
    return receipt, manifest


def _gone_notes(plan: ExportPlan) -> list[str]:
    """What the selection held and the project holds no more."""
    n_gone = plan.facts.get("counts", {}).get("n_gone", 0)
    if not n_gone:
        return []
    return [
        f"{plural(n_gone, 'row is', 'rows are')} gone from the selection after an update of the dataset: lobass "
        "selections --gone NAME"
    ]


def _split_notes(plan: ExportPlan, written: Written) -> list[str]:
    """What to know of the validation split.

    Raises:
        ExportError: no row is left to train on.
    """
    if written.n_rows == written.n_validation:
        raise ExportError(
            f"all rows that fit {plan.format} are set aside for validation: {written.n_rows:,}",
            do="Use a smaller --validation, or another format.",
        )
    asked = n_validation_rows(plan.validation, plan.picks.num_rows)
    if asked == written.n_validation:
        return []
    return [
        f"{plural(written.n_validation, 'row is', 'rows are')} set aside for validation instead of {asked:,}: near "
        "duplicates stay together, and rows that do not fit are left out"
    ]


def _counter(n_rows: int, n_passes: int, on_progress: OnProgress | None) -> Callable[[], None]:
    """What is called for each row at each pass over them, and tells of some as the rows that they amount to."""
    n_read = 0

    def count() -> None:
        nonlocal n_read
        n_read += 1
        if on_progress and (n_read % 500 == 0 or n_read == n_rows * n_passes):
            on_progress(n_read // n_passes, n_rows)

    return count


def _counted(read_texts: ReadTexts, count: Callable[[], None]) -> ReadTexts:
    def read(wanted: pa.Table) -> Iterator[str]:
        for text in read_texts(wanted):
            count()
            yield text

    return read


def _write_dropped(plan: ExportPlan, read_texts: ReadTexts, folder: Path) -> FileReceipt:
    """The rows left out, each with its reason and its untouched record (as text: it may be no valid JSON)."""
    assert plan.dropped is not None
    with DataFile(folder, DROPPED_NAME, "rows left out, with reasons") as file:
        out = JsonRows(file, array=False)
        texts = read_texts(plan.dropped)
        for batch in plan.dropped.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                number = row.pop("source")
                out.add({"dataset": plan.sources[number].dataset, **row, "record": next(texts)})
    return file.receipt()


def _check_promise(promised: dict, files: list[FileReceipt]) -> list[str]:
    """What to know of files that explain the export and read otherwise today; what a trainer reads must be the same."""
    version = promised.get("program", {}).get("version", "an unknown version")
    differing = differing_files(promised, files)
    broken = [name for name in differing if not name.endswith(EXPLAINING)]
    if broken:
        raise ExportError(
            f"the replay does not produce the same bytes: {', '.join(broken)}",
            do=f"The manifest was written by LoBaSS {version}; use that version. Nothing was kept.",
        )
    return [f"not the same text as in the earlier export: {', '.join(differing)}"] if differing else []


def _counts(reasons: Iterator[str]) -> list[str]:
    return [f"{reason} ({n:,})" for reason, n in Counter(reasons).most_common(5)]


def _no_tokens(sample_ids: Sequence[str]) -> Iterator[None]:
    return iter([None] * len(sample_ids))


def _receipt(
    plan: ExportPlan, written: Written, files: list[FileReceipt], to: Path, notes: Sequence[str]
) -> ExportReceipt:
    return ExportReceipt(
        folder=str(to),
        format=plan.format,
        selection=plan.selection,
        n_selected=plan.picks.num_rows,
        n_written=written.n_rows,
        n_validation=written.n_validation,
        n_bytes=sum(one.n_bytes for one in files),
        files=tuple(files),
        manifest_sha256=files[-1].sha256,
        not_written=dict(Counter(refusal.reason for refusal in written.refusals).most_common()),
        refusals=tuple(written.refusals),
        left_out=plan.facts["counts"].get("left_out", {}),
        notes=(*written.notes, *notes),
    )
