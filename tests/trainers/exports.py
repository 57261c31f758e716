"""Every shape exported in every format of the three trainers, and what the product promises of each export."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from lobass_core.exporting.findings import LOST
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import ExportSpec
from lobass_core.store.connection import release
from lobass_core.workflows.export import export, preflight
from tests.models import tiny_model, tiny_tokenizer
from tests.rendered_scores import score_rendered
from tests.trainers.shapes import CUTOFFS, MIXTURE_BYTES, SHAPES, TEMPLATE

FORMATS = {
    "trl": ("trl", "messages", "prompt-completion", "huggingface", "tokens"),
    "axolotl": ("axolotl", "tokens"),
    "llama-factory": ("llama-factory", "alpaca", "sharegpt", "tokens"),
}
EVERY_FORMAT = tuple(dict.fromkeys(name for names in FORMATS.values() for name in names))


@dataclass(frozen=True, slots=True)
class Scored:
    """A row as it was scored: labels are -100 but on the response."""

    input_ids: list[int]
    labels: list[int]


@dataclass(frozen=True, slots=True)
class Exported:
    """One shape in one format: where it is, and what is promised. `kept` are the rows that the trainer should keep."""

    shape: str
    format: str
    folder: Path
    file: str
    kind: str
    cutoff: int
    n_selected: int
    n_written: int
    n_promised: int
    n_unknown: int
    notes: tuple[str, ...]
    without_template: bool  # the preflight says that the trainer reads the rows without the chat template
    kept: list[Scored]


def write_model(folder: Path) -> Path:
    """A tiny model whose end token closes a turn, as in instruct models: `chat` has the chat template, `bare` none."""
    tokenizer = matrix_tokenizer()
    for name, template in (("chat", TEMPLATE), ("bare", None)):
        tiny_model(max_position_embeddings=8192).save_pretrained(folder / name)
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder / name)
        _in_words_of_every_version(folder / name / "tokenizer_config.json")
    return folder


def _in_words_of_every_version(path: Path) -> None:
    """The oldest LLaMA-Factory environment reads the settings with a transformers before 5."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings |= {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "additional_special_tokens": settings.pop("extra_special_tokens"),
    }
    path.write_text(json.dumps(settings), encoding="utf-8")


def matrix_tokenizer():
    """The tiny tokenizer; `<|im_end|>` ends a turn and a text."""
    tokenizer = tiny_tokenizer(TEMPLATE)
    tokenizer.eos_token = "<|im_end|>"
    tokenizer.pad_token = "<unk>"
    return tokenizer


@contextmanager
def exports_of(shape: str, model: Path, folder: Path) -> Iterator[list[Exported]]:
    """The shape in every format that takes some of its rows."""
    folder.mkdir()
    project = Project.create(folder / "project")
    try:
        run = score_rendered(project, model, matrix_tokenizer(), folder, max_tokens=CUTOFFS[shape], **SHAPES[shape]())
        scored = scored_rows(run)
        yield [one for name in EVERY_FORMAT if (one := _exported(project, shape, name, folder, scored)) is not None]
    finally:
        release(project.store_path)


def scored_rows(run: RunFolder) -> dict[str, Scored]:
    """By sample id."""
    found = {}
    for path in run.tokens_dir.glob("*.parquet"):
        for row in pq.read_table(path, columns=["sample_id", "token_ids", "response_mask"]).to_pylist():
            pairs = zip(row["token_ids"], row["response_mask"], strict=True)
            found[row["sample_id"]] = Scored(row["token_ids"], [token if learnt else -100 for token, learnt in pairs])
    return found


def _exported(project: Project, shape: str, format: str, folder: Path, scored: dict[str, Scored]) -> Exported | None:
    to, cutoff = folder / format, CUTOFFS[shape]
    spec = ExportSpec(selection="all", to=str(to), format=format, cutoff_tokens=cutoff)  # type: ignore[arg-type]
    found = preflight(project, spec)
    if sum(finding.n_rows for finding in found.findings if finding.effect == "not written") == found.n_rows:
        return None
    receipt = export(project, spec)
    lost = [finding.places for finding in found.findings if finding.effect in LOST]
    places = np.setdiff1d(np.arange(found.n_rows), np.concatenate(lost))
    assert len(places) == found.n_left + found.n_unknown
    sample_ids = found.plan.picks["sample_id"].to_pylist()
    manifest = json.loads((to / "manifest.json").read_text(encoding="utf-8"))
    (name,) = [file["name"] for file in manifest["files"] if file["rows"] and not file["name"].startswith("scores")]
    n_bytes = (to / name).stat().st_size
    assert shape != "mixture over 10 MB" or name.endswith(".parquet") or n_bytes > MIXTURE_BYTES, n_bytes
    return Exported(
        shape=shape,
        format=format,
        folder=to,
        file=name,
        kind=Path(name).stem,
        cutoff=cutoff,
        n_selected=receipt.n_selected,
        n_written=receipt.n_written,
        n_promised=found.n_left,
        n_unknown=found.n_unknown,
        notes=receipt.notes,
        without_template=any(finding.rule == "pairs of texts" and finding.n_rows for finding in found.findings),
        kept=[scored[sample_ids[place]] for place in places],
    )
