"""Runs where LLaMA-Factory is: `python llama_factory_rows.py JOBS.json`. Writes the rows that it trains on."""

import importlib.machinery
import os
import runpy
import sys
import types
from pathlib import Path

# Its reader of audio files imports torchaudio, whose wheels need CUDA; no row here has audio.
AUDIO = "torchaudio"
sys.modules[AUDIO] = types.ModuleType(AUDIO)
sys.modules[AUDIO].__spec__ = importlib.machinery.ModuleSpec(AUDIO, None)

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.hparams import get_train_args  # noqa: E402
from llamafactory.model import load_tokenizer  # noqa: E402
from row_jobs import do_jobs  # noqa: E402


def rows_of(job: dict) -> dict[str, list]:
    """What its own loader gives to its trainer; without `template` it makes one of the model's chat template."""
    is_pair = job["kind"] == "preference"
    given = {
        "stage": "dpo" if is_pair else "sft",
        "do_train": True,
        "finetuning_type": "full",
        "model_name_or_path": job["model"],
        "output_dir": job["work"],
        "cutoff_len": job["cutoff"],
        "overwrite_cache": True,
        "report_to": "none",
    }
    if job["format"] == "tokens":
        if not (Path(job["folder"]) / "tokenized").exists():
            runpy.run_path(str(Path(job["folder"]) / "save_tokenized.py"))
        given |= {"tokenized_path": str(Path(job["folder"]) / "tokenized"), "dataset": "curated"}
    else:
        given |= {"dataset_dir": job["folder"], "dataset": "curated_preference" if is_pair else "curated"}
    model_args, data_args, training_args, finetuning_args, _ = get_train_args(given)
    tokenizer_module = load_tokenizer(model_args)
    template = get_template_and_fix_tokenizer(tokenizer_module["tokenizer"], data_args)
    stage = "rm" if finetuning_args.stage == "dpo" else finetuning_args.stage
    kept = get_dataset(template, model_args, data_args, training_args, stage=stage, **tokenizer_module)["train_dataset"]
    before = "chosen_" if is_pair else ""
    columns = {name: list(kept[before + name]) for name in ("input_ids", "labels")}
    return columns | ({"rejected_ids": list(kept["rejected_input_ids"])} if is_pair else {})


def main() -> None:
    os.environ["HF_DATASETS_CACHE"] = str(Path(sys.argv[1]).parent / "cache")
    do_jobs(rows_of)


if __name__ == "__main__":
    main()
