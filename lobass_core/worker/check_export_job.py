"""The short run before an export takes its place: does each row give the very tokens that were scored?

The tokenizer is checked to be the same; then the same text gives the same tokens, and texts are what is compared.
"""

import itertools
import json
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from lobass_core.errors import ModelError, cause_of
from lobass_core.jobs.run_files import read_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import CheckExportResult, OtherRow
from lobass_core.jobs.run_specs import CheckExportRun
from lobass_core.jobs.token_files import KeptText, TokenFiles
from lobass_core.rendering.exported_rows import RowsAsTokens
from lobass_core.rendering.fingerprint import tokenizer_fingerprint
from lobass_core.rendering.guarded_tokenizer import GuardedTokenizer
from lobass_core.rendering.response_mask import response_mask
from lobass_core.rendering.trainer_texts import BY_AXOLOTL, BY_TRL, TrainerReading
from lobass_core.scoring.models import load_tokenizer
from lobass_core.worker.reporter import Reporter

# Who reads a format without train.py; `trl` is read by its script.
TRAINERS: dict[str, TrainerReading] = {
    "messages": BY_TRL,
    "prompt-completion": BY_TRL,
    "huggingface": BY_TRL,
    "axolotl": BY_AXOLOTL,
}
REPORT_ROWS = 200
SHOWN_CHARS = 40


def run(run: RunFolder, report: Reporter) -> CheckExportResult:
    """Compare every row of the run's input, and return how many are the same.

    Raises:
        ModelError: the tokenizer is gone, or another one than the rows were scored with.
    """
    asked = run.spec_as(CheckExportRun)
    report.update(phase="loading the tokenizer")
    tokenizer = load_tokenizer(asked.tokenizer)
    if asked.tokenizer_fp and tokenizer_fingerprint(tokenizer) != asked.tokenizer_fp:
        raise ModelError("the tokenizer is not the one that the rows were scored with", where=asked.tokenizer.path)
    tokenizer.chat_template = asked.chat_template
    rows = read_parquet(run.input_path).to_pylist()
    kept = TokenFiles(Path(asked.runs_dir), asked.render_fp, [row["sample_id"] for row in rows])
    endings = _named_endings(Path(asked.folder) / "axolotl.yml")
    report.update(phase="comparing", n_done=0, n_total=len(rows))
    with GuardedTokenizer(tokenizer, report.check_cancel) as guarded:
        comparison = Comparison(guarded, asked.mask_rule, TRAINERS.get(asked.format), endings)
        for name, group in itertools.groupby(rows, key=lambda row: row["file"]):
            wanted = list(group)
            texts = kept.read_texts([row["sample_id"] for row in wanted])
            written = written_rows(Path(asked.folder) / name)
            for place, (row, record, scored) in enumerate(zip(wanted, written, texts, strict=True)):
                guarded.sample = row["sample_id"]
                comparison.add(name, place, record, scored, is_cut=row["cut"])
                if comparison.n_rows % REPORT_ROWS == 0:
                    report.check_cancel()
                    report.update(n_done=comparison.n_rows)
        return comparison.result()


def _named_endings(fragment: Path) -> list[str]:
    """The tokens that Axolotl's configuration names as closing an answer."""
    return yaml.safe_load(fragment.read_text(encoding="utf-8")).get("eot_tokens", []) if fragment.is_file() else []


def written_rows(path: Path) -> Iterator[dict]:
    """The rows of an exported file as `datasets` gives them: in Parquet every key is there, null where it was not."""
    if path.suffix == ".parquet":
        for batch in pq.ParquetFile(path).iter_batches(1000):
            yield from batch.to_pylist()
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


class Comparison:
    """Counts rows by what they become."""

    def __init__(
        self, tokenizer: Any, mask_rule: str, trainer: TrainerReading | None, endings: Collection[str]
    ) -> None:
        self._tokenizer, self._trainer, self._endings = tokenizer, trainer, endings
        self._as_tokens = RowsAsTokens(tokenizer, mask_rule)
        self._counts: Counter[str] = Counter()
        self._first: dict[str, OtherRow] = {}

    @property
    def n_rows(self) -> int:
        return self._counts.total()

    def add(self, file: str, place: int, row: dict, scored: KeptText | None, *, is_cut: bool) -> None:
        """Look at one row."""
        what, how = ("n_not_kept", "") if scored is None else self._compared(row, scored, is_cut)
        self._counts[what] += 1
        if how:
            self._first.setdefault(what, OtherRow(file, place, how))

    def _compared(self, row: dict, scored: KeptText, is_cut: bool) -> tuple[str, str]:
        try:
            text, spans = self._as_tokens.text_and_spans(_as_turns(row))
        except Exception as error:
            return "n_wrong", f"the template rejects it: {cause_of(error)}"
        if text != scored.text:
            return "n_wrong", _difference(text, scored.text)
        if is_cut:
            return "n_cut", ""
        if self._trainer is None:
            # Of a pair, all turns after the prompt are learnt; one of them was scored.
            is_more = len(row.get("chosen") or ()) > 1
            is_same = not is_more and self._learns_the_same(text, spans, scored)
            return ("n_same", "") if is_same else ("n_other_labels", "")
        try:
            made = self._trainer.text(row, self._tokenizer)
        except Exception as error:
            return "n_trainer", f"the template rejects it: {cause_of(error)}"
        if made is None:
            return "n_trainer", "it reads texts without a chat template"
        if made != text:
            return "n_trainer", _difference(made, text)
        how = self._trainer.learns(row, text, spans, self._tokenizer, self._endings)
        return ("n_trainer_labels", how) if how else ("n_same", "")

    def _learns_the_same(self, text: str, spans: list[tuple[int, int]], scored: KeptText) -> bool:
        if self._as_tokens.has_greedy_markers:
            learnt = [label != -100 for label in self._as_tokens.tokens(text, spans)["labels"]]
            return learnt == scored.response_mask.tolist()
        return bool((response_mask(scored.offsets, spans) == scored.response_mask).all())

    def result(self) -> CheckExportResult:
        return CheckExportResult(
            **self._counts,
            first_trainer=self._first.get("n_trainer"),
            first_trainer_labels=self._first.get("n_trainer_labels"),
            first_wrong=self._first.get("n_wrong"),
        )


def _as_turns(row: dict) -> dict:
    """The row with turns in lists, as TRL has them: a pair of texts, or a preference pair of Axolotl, is not."""
    if isinstance(row.get("chosen"), dict):
        return {"prompt": row["messages"], "chosen": [row["chosen"]], "tools": row.get("tools")}
    if not isinstance(row.get("prompt"), str):
        return row
    turns = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
    return {"messages": turns}


def _difference(made: str, scored: str) -> str:
    """The first place where two renderings part."""
    at = next((place for place, pair in enumerate(zip(made, scored, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(made), len(scored)) if at is None else at
    ours, theirs = (text[at : at + SHOWN_CHARS] for text in (made, scored))
    return f"at character {at:,}, {ours!r} instead of {theirs!r}"
