"""The rows as the models read them when they were scored: no second rendering between the score and the training."""

import contextlib
from collections.abc import Iterator

import pyarrow as pa

from lobass_core.exporting.data_file import DataFile, write_text
from lobass_core.exporting.layout import Job, Written
from lobass_core.exporting.plan import SPLITS, ExportRow, ScoredTokens, Split
from lobass_core.exporting.rows_file import ParquetRows
from lobass_core.exporting.trainer_layouts import add_template

SCHEMA = pa.schema(
    [
        ("input_ids", pa.list_(pa.int32())),
        ("attention_mask", pa.list_(pa.int8())),
        ("labels", pa.list_(pa.int32())),
    ]
)
NOT_LEARNT = -100
_SAVE = '''"""Save the rows in the form that LLaMA-Factory reads: python save_tokenized.py

Then set `tokenized_path: FOLDER/tokenized` and `dataset: curated`; it requires the name but does not use it.
"""

from pathlib import Path

from datasets import DatasetDict, load_dataset

HERE = Path(__file__).parent
{rows}.save_to_disk(str(HERE / "tokenized"))
'''
_TRAIN_ALONE = """rows = load_dataset("parquet", data_files=str(HERE / "train.parquet"), split="train")
DatasetDict({"train": rows})"""
_BOTH_SPLITS = """files = {split: str(HERE / f"{split}.parquet") for split in ("train", "validation")}
rows = {split: load_dataset("parquet", data_files=file, split="train") for split, file in files.items()}
DatasetDict(rows)"""


def tokens(job: Job) -> Written:
    """`input_ids`, `attention_mask` and `labels`, cut and masked as they were scored."""
    written = Written()
    with contextlib.ExitStack() as closing:
        files: dict[Split, DataFile] = {}
        outs: dict[Split, ParquetRows] = {}
        for row, scored in _rows_with_tokens(job):
            why = refusal(
                is_pair=row.sample.kind == "preference",
                is_there=scored is not None,
                has_answer=scored is not None and any(scored.response_mask),
            )
            if why:
                written.refuse(row, why)
            elif scored is not None:
                if row.split not in outs:
                    file = DataFile(job.folder, f"{row.split}.parquet", "tokens as they were scored")
                    files[row.split] = closing.enter_context(file)
                    outs[row.split] = ParquetRows(file, SCHEMA)
                outs[row.split].add(token_record(scored))
        for out in outs.values():
            out.end()
    for split in SPLITS:
        if split in files:
            written.add_rows(files[split].receipt(), "default", split)
    script = _SAVE.format(rows=_BOTH_SPLITS if "validation" in files else _TRAIN_ALONE)
    written.files.append(
        write_text(job.folder, "save_tokenized.py", "a copy for LLaMA-Factory's tokenized_path", script)
    )
    add_template(job, written)
    return written


def refusal(*, is_pair: bool, is_there: bool, has_answer: bool) -> str:
    """Why a row cannot be written as tokens; empty where it can."""
    if is_pair:
        return "a preference pair has two answers, but a row of tokens has only one"
    if not is_there:
        return "its tokens are not on disk: it was not scored, or the folder of the run is gone"
    return "" if has_answer else "it has no response to train on"


def token_record(scored: ScoredTokens) -> dict[str, list[int]]:
    """The row of one sample: labels are the token itself where it was scored, -100 elsewhere."""
    pairs = zip(scored.input_ids, scored.response_mask, strict=True)
    return {
        "input_ids": scored.input_ids,
        "attention_mask": [1] * len(scored.input_ids),
        "labels": [token if learnt else NOT_LEARNT for token, learnt in pairs],
    }


def _rows_with_tokens(job: Job) -> Iterator[tuple[ExportRow, ScoredTokens | None]]:
    sample_ids = job.plan.picks["sample_id"].to_pylist()
    return zip(job.rows(), job.tokens(sample_ids), strict=True)
