"""What project-golden.tar.xz holds and how it was made: run once with the program of commit a90506e, never again.

    PYTHONPATH=$PWD python tests/store/old_projects/make_golden.py /tmp/lobass-golden

210 rows in three datasets and three domains, with copies, odd losses, flags, verdicts, and 30 rows that nothing has
scored. facts.json says what that program answered: losses, what every method keeps under every balance and budget, and
the SHA-256 of every data file of an export.
"""

import json
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa

from lobass_core.demo_data.sample_rows import sample_rows
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import ExportFormat, ExportSpec, Gates, ImportSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import find_scoring, register_scoring, score_rows
from lobass_core.workflows import decide, select
from lobass_core.workflows.decide import Act
from lobass_core.workflows.export import export
from lobass_core.workflows.import_data import import_file
from tests.run_specs import A_SCORING, score_result
from tests.scored_files import BASE, CHATML, REFERENCE, RENDER

METHODS = ("learnability", "loss-drop", "loss-drop-sum", "base-loss", "reference-loss", "random", "length")
BALANCES = {
    "natural": {},
    "equal": {},
    "global": {},
    "custom": {"weights": (("code", 0.25), ("conversation", 0.5), ("math", 0.25))},
}
BUDGETS = (("ratio", 0.015), ("ratio", 0.06), ("ratio", 0.167), ("ratio", 0.5), ("samples", 40), ("tokens", 600))
GATES = Gates(min_response_tokens=6, min_learnability=0.05, exclude_truncated=True, exclude_duplicates=False)


def specs() -> list[SelectionSpec]:
    """Every method under every balance and budget; then thresholds, other gates, a scope and another seed."""
    found = [
        SelectionSpec(method=method, budget=budget, value=value, balance=balance, **more)
        for method in METHODS
        for balance, more in BALANCES.items()
        for budget, value in BUDGETS
    ]
    found += [
        SelectionSpec(method=method, budget="threshold", value=value, balance="global")
        for method in METHODS
        for value in (0.0, 0.3, 2.0)
    ]
    found += [SelectionSpec(method=method, value=0.3, gates=GATES) for method in METHODS]
    found += [SelectionSpec(value=0.3, datasets=("math", "code")), SelectionSpec(method="random", value=0.3, seed=7)]
    return found


def files(folder: Path) -> list[tuple[str, str]]:
    """(path, domain) of three JSONL files; some rows stand twice, in one file and in two."""
    folder.mkdir(parents=True)
    chats = [
        {"instruction": row.exchange.instruction, "input": row.exchange.input, "output": row.exchange.response}
        for row in sample_rows("conversation", 0)[:90]
    ]
    sums = [
        {"messages": [{"role": "user", "content": row.exchange.prompt},
                      {"role": "assistant", "content": row.exchange.response}], "level": k % 4}
        for k, row in enumerate(sample_rows("math", 0)[:60])
    ]  # fmt: skip
    code = [{"instruction": f"Write {n} in hexadecimal.", "output": hex(n) * (1 + n % 7)} for n in range(50)]
    parts = {
        "conversation": [*chats, chats[3], chats[11], chats[3]],
        "math": [*sums, sums[7]],
        "code": [*code, code[0], code[1], chats[20], chats[40], *code[2:4]],
    }
    made = []
    for name, rows in parts.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        made.append((str(path), name))
    return made


def score(project: Project) -> None:
    """Losses of all samples but 30, as a finished run leaves them: ties, copies of the base, truncated, NaN, none."""
    with project.store() as store:
        samples = (
            store.cursor()
            .execute("SELECT sample_id, prompt_text, response_text FROM samples ORDER BY sample_key")
            .fetchall()
        )
    random = np.random.default_rng(14)
    n = len(samples) - 30
    samples = samples[:n]
    n_tokens = np.maximum(np.array([len(response.split()) for _, _, response in samples]), 1)
    n_tokens[5] = 0
    base = np.round(random.lognormal(0.2, 0.6, n), 2)
    base[[10, 11]] = 0.01, 30.0
    gained = np.round(random.normal(0.3, 0.3, n), 1)
    status = np.array(["ok"] * n, object)
    status[random.choice(n, 12, replace=False)] = "truncated"
    status[5] = "no_response"
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    for model_fp, part, means in ((BASE, "base", base), (REFERENCE, "reference", base * (1 - gained))):
        sums = means * n_tokens
        here = status.copy()
        if part == "reference":
            here[17] = "non_finite"
        missing = np.isin(here, ["non_finite", "no_response"])
        run.write_shard(
            f"{part}-{model_fp}-{RENDER}-00000",
            pa.table(
                {
                    "sample_id": [sample_id for sample_id, _, _ in samples],
                    "model_fp": [model_fp] * n,
                    "render_fp": [RENDER] * n,
                    "loss_sum_nats": pa.array(sums, pa.float64(), mask=missing),
                    "n_tokens": pa.array(n_tokens, pa.int32()),
                    "n_prompt_tokens": pa.array([len(prompt.split()) for _, prompt, _ in samples], pa.int32()),
                    "n_response_bytes": pa.array([len(response.encode()) for _, _, response in samples], pa.int32()),
                    "n_dropped_tokens": pa.array(np.where(here == "truncated", 2, 0), pa.int32()),
                    "status": here.tolist(),
                    "token_nlls": pa.array(
                        [[] if gone else [mean] * k for mean, k, gone in zip(means, n_tokens, missing, strict=True)],
                        pa.list_(pa.float32()),
                    ),
                }
            ),
        )
    tokens = [tokens_of(*sample, int(k)) for sample, k in zip(samples, n_tokens, strict=True)]
    write_parquet(run.path / "tokens" / f"{RENDER}-00000.parquet", pa.Table.from_pylist(tokens))
    result = score_result(
        BASE, REFERENCE, RENDER, vocabulary_size=50_000, template="chatml", chat_template=CHATML, max_tokens=512
    )
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result, Path("no folds"))


def tokens_of(sample_id: str, prompt: str, response: str, n_response: int) -> dict:
    """A token a word of the prompt, then as many as were scored."""
    n_prompt = len(prompt.split())
    n = n_prompt + n_response
    return {
        "sample_id": sample_id,
        "render_fp": RENDER,
        "text": "p" * n_prompt + "r" * n_response,
        "token_ids": [*(k % 370 for k in range(n_prompt)), *(370 + k % 30 for k in range(n_response))],
        "token_starts": list(range(n)),
        "token_ends": list(range(1, n + 1)),
        "response_mask": [False] * n_prompt + [True] * n_response,
    }


def judge(project: Project) -> None:
    """Keep some rows and drop some; one verdict is taken back."""
    acts = [Act(f"{kind}-{key}", kind, key, "golden") for kind, keys in KEYS.items() for key in keys]
    decide.apply(project, acts)
    decide.apply(project, [Act("back", "undo", KEYS["drop"][0])])


KEYS = {"keep": (2, 30, 100, 150), "drop": (60, 61, 120, 4)}
EXPORTED = {
    "natural": SelectionSpec(value=0.3, gates=Gates(exclude_duplicates=False)),
    "longest": SelectionSpec(method="length", budget="tokens", value=900, balance="global"),
}


def exported(project: Project, folder: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of the data files of every format, in both orders, with weights, dropped rows and a split."""
    plain = [ExportSpec(name, "out", format, check=False) for name in EXPORTED for format in get_args(ExportFormat)]
    natural = ExportSpec("natural", "out", "parquet", check=False)
    more = [
        replace(natural, weight=True, order="rank"),
        replace(natural, format="messages", with_dropped=True, validation=0.2, seed=3),
        replace(natural, format="huggingface", validation=10, order="rank"),
    ]
    found = {}
    for number, spec in enumerate([*plain, *more]):
        receipt = export(project, replace(spec, to=str(folder / str(number))))
        hashes = {file.name: file.sha256 for file in receipt.files if file.rows}
        found[json.dumps(spec.to_dict(), sort_keys=True)] = hashes
    return found


def main(folder: Path) -> None:
    """Make the project under the folder, and the archive beside this file."""
    project = Project.create(folder / "project")
    for path, domain in files(folder / "files"):
        import_file(project, ImportSpec(path, domain))
    score(project)
    judge(project)
    for name, spec in EXPORTED.items():
        select.save(project, name, spec)
    with project.store() as store:
        losses = score_rows(store.cursor(), find_scoring(store.cursor()))
    picks = [[spec.to_dict(), select.select(project, spec)] for spec in specs()]
    columns = ("row_key", "base_loss_sum", "reference_loss_sum", "base_n_tokens")
    facts = {
        "losses": {name: losses[name].to_pylist() for name in columns},
        "picks": [
            {"spec": spec, "row_key": result.row_key.tolist(), "result": result.to_dict()} for spec, result in picks
        ],
        "exports": exported(project, folder / "out"),
    }  # fmt: skip
    with project.store() as store:
        store.cursor().execute("CHECKPOINT")
    release(project.store_path)
    (folder / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    for path in project.root.rglob("*.lock"):
        path.unlink()
    archive = Path(__file__).with_name("project-golden.tar.xz")
    with tarfile.open(archive, "w:xz", preset=9) as packed:
        packed.add(folder / "facts.json", "facts.json")
        packed.add(project.root, "project")
    print(archive, f"{archive.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
