"""Runs where TRL is installed: `python trl_rows.py JOBS.json`. Writes the rows that TRL trains on, a file a job."""

import runpy
import sys
from pathlib import Path

from datasets import disable_progress_bars, load_dataset
from row_jobs import do_jobs
from transformers import AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

N_STEPS = 2


class Kept(Exception):
    """Ends a train.py where its training would begin."""


def of_script(job: dict) -> list:
    """The rows of the exported train.py itself, which trains for two steps where the job asks for it."""
    kept: list = []

    def caught(trainer, train=None):
        kept.append(trainer.train_dataset)
        if not job["steps"]:
            raise Kept
        assert train(trainer).global_step == N_STEPS

    originals = {one: one.train for one in (SFTTrainer, DPOTrainer)}
    for one, train in originals.items():
        one.train = lambda trainer, train=train: caught(trainer, train)
    sys.argv = ["train.py", "--model", job["model"], "--max-length", str(job["cutoff"]), "--cpu"]
    sys.argv += ["--output", job["work"], "--max-steps", str(N_STEPS), "--batch-size", "2"]
    try:
        runpy.run_path(str(Path(job["folder"]) / "train.py"), run_name="__main__")
    except Kept:
        pass
    finally:
        for one, train in originals.items():
            one.train = train
    return kept[0]


def of_trainer(job: dict) -> list:
    """The rows of SFTTrainer or DPOTrainer, called as a user without the script would call them."""
    folder, is_pair = Path(job["folder"]), job["kind"] == "preference"
    rows = load_dataset(job["builder"], data_files=str(folder / job["file"]), split="train")
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    template = folder / "chat_template.jinja"
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    plain = {
        "output_dir": job["work"],
        "max_length": job["cutoff"],
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
    }
    plain |= {"max_steps": N_STEPS, "per_device_train_batch_size": 2}
    if is_pair:
        trainer = DPOTrainer(job["model"], args=DPOConfig(**plain), train_dataset=rows, processing_class=tokenizer)
    else:
        settings = SFTConfig(**plain, assistant_only_loss="messages" in rows.column_names)
        trainer = SFTTrainer(job["model"], args=settings, train_dataset=rows, processing_class=tokenizer)
    kept = trainer.train_dataset
    if job["steps"]:
        assert trainer.train().global_step == N_STEPS
    return kept


def as_columns(kept, cutoff: int) -> dict[str, list]:
    """Tokens and labels; of a pair those of the chosen answer, and the rejected one beside them."""
    if "prompt_ids" not in kept.column_names:
        return {"input_ids": list(kept["input_ids"]), "labels": list(kept["labels"])}
    columns: dict[str, list] = {"input_ids": [], "labels": [], "rejected_ids": []}
    for row in kept:
        prompt, chosen, rejected = row["prompt_ids"], row["chosen_ids"], row["rejected_ids"]
        columns["input_ids"].append((prompt + chosen)[:cutoff])
        columns["labels"].append(([-100] * len(prompt) + chosen)[:cutoff])
        columns["rejected_ids"].append((prompt + rejected)[:cutoff])
    return columns


def main() -> None:
    disable_progress_bars()
    do_jobs(lambda job: as_columns(of_script(job) if job["format"] == "trl" else of_trainer(job), job["cutoff"]))


if __name__ == "__main__":
    main()
