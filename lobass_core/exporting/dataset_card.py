"""README.md of an export: what a loader reads (the YAML head) and what a person wants to know."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

from lobass_core.exporting.layout import CardEntry, Written
from lobass_core.exporting.plan import ExportPlan, FileReceipt
from lobass_core.exporting.train_script import script_name
from lobass_core.exporting.trainer_files import dataset_name

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_USE = {
    "axolotl": "Add the lines of the YAML fragment to your Axolotl configuration.",
    "source": "These are the original records, unchanged, with one file per source.",
    "tokens": "These rows are the tokens that were scored. TRL's SFTTrainer, Axolotl (as a dataset without `type`) "
    "and transformers' Trainer read them directly. For LLaMA-Factory, run `python save_tokenized.py` and "
    "set `tokenized_path: THIS_FOLDER/tokenized` and `dataset: curated`; it requires the name but does "
    "not use it. The tokens work only with the tokenizer of the base model.",
}


def dataset_card(plan: ExportPlan, written: Written) -> str:
    """The card's text; everything in it follows from the plan and the files, so that a replay gives the same bytes."""
    n_rows = written.n_rows
    sections = [
        _yaml_head(plan, written.data_files, n_rows),
        f"# {_text(plan.selection)}",
        f"{n_rows:,} of {plan.facts['counts']['n_considered']:,} rows, selected with LoBaSS by "
        f"{_text(plan.facts['formula']['method'])}: {_text(plan.facts['formula']['text'])}",
        _use(plan, written),
        _set_aside(plan, written),
        _order(plan),
        _sources(plan),
        _domains(plan),
        _models(plan),
        _files(written.files),
        "`manifest.json` contains every setting, pick and checksum; `lobass export --replay manifest.json` writes the "
        "same bytes again. Selecting rows does not change the licences of the sources"
        + (
            f"; the licence stated for this folder is {_text(plan.license)}."
            if plan.license
            else ": check each source."
        ),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _use(plan: ExportPlan, written: Written) -> str:
    if plan.format in ("llama-factory", "alpaca", "sharegpt"):
        names = [f"`dataset: {dataset_name(kind)}`" for kind in written.kinds]
        if written.n_validation:
            names += [f"`eval_dataset: {dataset_name(kind, 'validation')}`" for kind in written.kinds]
        return f"Train with LLaMA-Factory: `dataset_dir: THIS_FOLDER`, {', '.join(names)}."
    if plan.format == "trl":
        on_scored = " on the tokens that were scored" if plan.facts.get("models") else ""
        later = [f"`python {script_name(kind, written.kinds)} --model trained`" for kind in written.kinds[1:]]
        then = f" Then train the result on the other rows: {', '.join(later)}." if later else ""
        return f"To train with TRL{on_scored}, run `python train.py --model MODEL`.{then}"
    return _USE.get(plan.format, "Load it with `datasets.load_dataset(THIS_FOLDER)`.") + _other_readers(written)


def _other_readers(written: Written) -> str:
    """How to open the files that `load_dataset(THIS_FOLDER)` leaves out."""
    others = [entry for entry in written.data_files if _reader(entry) != _reader(written.data_files[0])]
    calls = [f'`load_dataset("{_reader(entry)}", data_files={json.dumps(entry.path)})`' for entry in others]
    if not calls:
        return ""
    return (
        f" `datasets.load_dataset(THIS_FOLDER)` opens `{written.data_files[0].path}` and files of its type. To open "
        f"the others: {', '.join(calls)}."
    )


def _reader(entry: CardEntry) -> str:
    """The reader of `datasets` for a file."""
    return {".parquet": "parquet", ".pq": "parquet", ".csv": "csv", ".tsv": "csv", ".tab": "csv"}.get(
        Path(entry.path).suffix.lower(), "json"
    )


def _set_aside(plan: ExportPlan, written: Written) -> str:
    if not plan.validation:
        return ""
    return (
        f"Validation: {written.n_validation:,} of the rows, drawn with seed {plan.seed}. Near duplicates stay "
        "together: none is in both splits."
    )


def _order(plan: ExportPlan) -> str:
    if plan.order == "file":
        return ""
    return (
        "The rows of each file are sorted by score, best first. Trainers shuffle them by default. To keep the "
        'order, set `train_sampling_strategy="sequential"` in TRL and transformers (`train.py` does), '
        "`curriculum_sampling: true` in Axolotl (the fragment does) or `disable_shuffling: true` in LLaMA-Factory."
    )


def _yaml_head(plan: ExportPlan, data_files: Sequence[CardEntry], n_rows: int) -> str:
    lines = ["---"]
    if plan.languages:
        lines += ["language:", *(f"- {json.dumps(language)}" for language in plan.languages)]
    if plan.license:
        lines.append(f"license: {json.dumps(plan.license)}")
    lines += ["task_categories:", "- text-generation"]
    lines += ["size_categories:", f"- {_size(n_rows)}", "tags:", "- lobass", "- data-selection"]
    lines.append("configs:")
    # A loader opens all the files that a card names with one reader.
    readable = [entry for entry in data_files if _reader(entry) == _reader(data_files[0])]
    for name, entries in itertools.groupby(readable, key=lambda entry: entry.config):
        lines += [f"- config_name: {json.dumps(name, ensure_ascii=False)}", "  data_files:"]
        for entry in entries:
            lines += [f"  - split: {entry.split}", f"    path: {json.dumps(entry.path, ensure_ascii=False)}"]
    return "\n".join([*lines, "---"])


def _size(n_rows: int) -> str:
    return next((name for limit, name in _SIZES if n_rows < limit), "1M<n<10M" if n_rows < 10_000_000 else "n>10M")


def _sources(plan: ExportPlan) -> str:
    counts = plan.picks["source"].value_counts().to_pylist()
    picked = {entry["values"]: entry["counts"] for entry in counts}
    rows = [
        (one.dataset, one.file_name, f"{one.n_rows:,}", f"{picked.get(number, 0):,}", one.sha256)
        for number, one in enumerate(plan.sources)
    ]
    return "## Sources\n\n" + _table(("dataset", "file", "rows", "selected", "sha256"), rows)


def _domains(plan: ExportPlan) -> str:
    shares = plan.facts["selection"].get("domains") or []
    if not shares:
        return ""
    rows = [(one["domain"], f"{one['n_rows']:,}", f"{one['asked']:,}", f"{one['got']:,}") for one in shares]
    return "## Domains\n\n" + _table(("domain", "rows", "asked", "got"), rows)


def _models(plan: ExportPlan) -> str:
    models = plan.facts.get("models") or {}
    if not models:
        return ""
    rows = [(part, models[part]["name"], models[part]["fingerprint"]) for part in ("base", "reference")]
    rows.append(("rendering", f"at most {models['max_tokens']:,} tokens", models["render_fingerprint"]))
    return "## Scored with\n\n" + _table(("", "name", "fingerprint"), rows)


def _files(files: Sequence[FileReceipt]) -> str:
    rows = [(one.name, one.holds, f"{one.rows:,}" if one.rows else "", f"{one.n_bytes:,}") for one in files]
    return "## Files\n\n" + _table(("file", "content", "rows", "bytes"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([_text(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text(text: str) -> str:
    """Any name as Markdown shows it literally, on one line."""
    flat = " ".join(str(text).split())
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|~$" else character for character in flat)
