"""Files imported through the real door and scored with made-up losses: what an export starts from."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import Gates, ImportSpec, SelectionSpec
from lobass_core.store.losses import ingest_run
from lobass_core.store.scorings import register_scoring
from lobass_core.workflows import select as selecting
from lobass_core.workflows.import_data import import_file
from tests.run_specs import A_SCORING, score_result

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}<|im_end|>{% endgeneration %}{% else %}{{ message['content'] }}<|im_end|>"
    "{% endif %}\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BASE, REFERENCE, RENDER = "base0000base0000", "refe0000refe0000", "rend0000rend0000"


def write_jsonl(path: Path, rows: Sequence[dict]) -> Path:
    """The rows, one a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def import_and_score(project: Project, *files: tuple[Path, str]) -> None:
    """Import (path, domain) files and give every sample a base loss of 2 and a reference loss that falls with its key.

    Response tokens are 10 a sample, prompt tokens the characters of the prompt; so the later sample is the better one.
    """
    for path, domain in files:
        import_file(project, ImportSpec(path=str(path), domain=domain))
    score(project)


def score(project: Project) -> None:
    """Losses for every sample in the store, as a finished run would leave them."""
    with project.store() as store:
        samples = store.cursor().execute("SELECT sample_id, prompt_text FROM samples ORDER BY sample_key").fetchall()
    run = RunFolder.create(project.runs_dir, "score", A_SCORING)
    n = len(samples)
    for model_fp, part in ((BASE, "base"), (REFERENCE, "reference")):
        sums = [20.0] * n if part == "base" else [20.0 * (1 - (i + 1) / (n + 1)) for i in range(n)]
        run.write_shard(
            f"{part}-{model_fp}-00000",
            pa.table(
                {
                    "sample_id": [sample_id for sample_id, _ in samples],
                    "model_fp": [model_fp] * n,
                    "render_fp": [RENDER] * n,
                    "loss_sum_nats": pa.array(sums, pa.float64()),
                    "n_tokens": pa.array([10] * n, pa.int32()),
                    "n_prompt_tokens": pa.array([len(prompt) for _, prompt in samples], pa.int32()),
                    "n_dropped_tokens": pa.array([0] * n, pa.int32()),
                    "status": ["ok"] * n,
                    "token_nlls": pa.array([[value / 10] * 10 for value in sums], pa.list_(pa.float32())),
                }
            ),
        )
    tokens = [_tokens(sample_id, prompt) for sample_id, prompt in samples]
    write_parquet(run.path / "tokens" / "00000.parquet", pa.Table.from_pylist(tokens))
    result = score_result(BASE, REFERENCE, RENDER, template="chatml", chat_template=CHATML, max_tokens=512)
    with project.store() as store:
        ingest_run(store, run)
        with store.transaction() as cursor:
            register_scoring(cursor, run.run_id, A_SCORING, result, Path("no folds"))


def _tokens(sample_id: str, prompt: str) -> dict:
    """A token a character of the prompt, then the ten of the response."""
    n = len(prompt) + 10
    return {
        "sample_id": sample_id,
        "render_fp": RENDER,
        "text": prompt + "r" * 10,
        "token_ids": [*(ord(letter) % 370 for letter in prompt), *range(370, 380)],
        "token_starts": list(range(n)),
        "token_ends": list(range(1, n + 1)),
        "response_mask": [place >= len(prompt) for place in range(n)],
    }


def select_all(project: Project, name: str = "all") -> None:
    """A saved selection of every row, duplicates too."""
    spec = SelectionSpec(budget="ratio", value=1.0, gates=Gates(exclude_duplicates=False))
    selecting.save(project, name, spec)


def select_best(project: Project, n_rows: int, name: str = "best", balance: str = "global") -> None:
    """A saved selection of the best rows."""
    selecting.save(project, name, SelectionSpec(budget="samples", value=n_rows, balance=balance))  # type: ignore[arg-type]
