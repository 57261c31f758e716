"""Runs where Axolotl is installed: `python axolotl_rows.py JOBS.json`. Writes the rows that it trains on."""

import os
from pathlib import Path

os.environ |= {"AXOLOTL_DO_NOT_TRACK": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}

import multiprocess
import yaml
from axolotl.cli.config import load_cfg
from axolotl.common.datasets import load_datasets, load_preference_datasets
from axolotl.loaders import load_tokenizer
from datasets import Dataset
from row_jobs import do_jobs


def configuration(job: dict) -> Path:
    """The exported fragment, with the settings that it says are to be added."""
    folder = Path(job["folder"])
    name = "axolotl-preference.yml" if job["kind"] == "preference" else "axolotl.yml"
    if job["format"] == "tokens":
        read: dict = {"datasets": [{"path": job["file"], "ds_type": "parquet"}]}
    else:
        read = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    read |= {
        "base_model": job["model"],
        "sequence_len": job["cutoff"],
        "output_dir": job["work"],
        "dataset_prepared_path": job["work"] + "/prepared",
        "micro_batch_size": 2,
        "gradient_accumulation_steps": 1,
        "num_epochs": 1,
        "learning_rate": 1e-4,
        "dataset_num_proc": 1,
    }
    path = Path(job["work"]) / "config.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(read), encoding="utf-8")
    return path


def rows_of(job: dict) -> dict[str, list]:
    """What Axolotl's own loader gives to its trainer; it reads files from the folder of the export."""
    path = configuration(job)
    os.chdir(job["folder"])
    cfg = load_cfg(str(path))
    if job["kind"] != "preference":
        kept = load_datasets(cfg=cfg).train_dataset
        return {"input_ids": list(kept["input_ids"]), "labels": list(kept["labels"])}
    tokenizer = load_tokenizer(cfg)
    columns: dict[str, list] = {"input_ids": [], "labels": [], "rejected_ids": []}
    for row in load_preference_datasets(cfg=cfg).train_dataset:
        prompt, chosen, rejected = (
            tokenizer(row[name], add_special_tokens=False)["input_ids"] for name in ("prompt", "chosen", "rejected")
        )
        columns["input_ids"].append(prompt + chosen)
        columns["labels"].append([-100] * len(prompt) + chosen)
        columns["rejected_ids"].append(prompt + rejected)
    return columns


def main() -> None:
    # The copy for a later start: `datasets` saves it from a fresh interpreter, which imports all of Axolotl again.
    Dataset.save_to_disk = lambda *_, **__: None
    multiprocess.set_start_method("fork", force=True)
    do_jobs(rows_of)


if __name__ == "__main__":
    main()
