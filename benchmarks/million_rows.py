"""Make the benchmark project: any number of scored rows, the same for the same numbers and seed.

    python benchmarks/million_rows.py PROJECT [--rows 1000000] [--domains 4] [--token-rows 20000] [--seed 0]

Texts are put together from phrases of four to eight domains, so that a search finds thousands and reading one row after
the other looks like work; lengths are log-normal, losses and learnability have a shape of their own in each domain. The
rows go straight into the store in the tables that an import and a scoring run would fill. `--token-rows` also writes
tokens and token losses of the first so many samples into a run folder, so that token heat can be shown for them.
"""

import argparse
import json
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from row_texts import SHAPES, DomainShape, texts_of

from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import ScoredModel, ScoreRunResult
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.store.connection import release
from lobass_core.store.scorings import register_scoring

BASE_FP, REFERENCE_FP, RENDER_FP = "b" * 16, "r" * 16, "e" * 16
SPEC = ScoreSpec(ModelSpec("base-7b"), (ModelSpec("tuned"),), "tuned")
CHUNK_ROWS = 50_000
TOKEN_CHUNK = 512
HEAD = "### Instruction:\n{}\n\n### Response:\n"
# Words with the blanks before them, long ones in pieces: about what a tokenizer makes of English.
TOKEN = re.compile(r"\s*\S{1,6}")
SHARE_TRUNCATED, SHARE_DUPLICATE = 0.004, 0.01


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows as columns; one sample a row, but for the duplicates that share one."""

    samples: pa.Table
    rows: pa.Table
    losses: pa.Table


def make_project(
    root: Path, *, n_rows: int = 1_000_000, n_domains: int = 4, token_rows: int = 20_000, seed: int = 0
) -> Project:
    """Make the project; a folder that holds one made with the same settings is used as it is."""
    settings = {"n_rows": n_rows, "n_domains": n_domains, "token_rows": token_rows, "seed": seed, "version": 3}
    note = root / "runs" / "benchmark.json"
    if note.is_file() and json.loads(note.read_text(encoding="utf-8")) == settings:
        return Project.open(root)
    shutil.rmtree(root, ignore_errors=True)
    project = Project.create(root)
    run = RunFolder.create(project.runs_dir, "score", SPEC)
    shapes = SHAPES[:n_domains]
    with project.store() as store:
        with store.transaction() as cursor:
            cursor.executemany(
                "INSERT INTO datasets BY NAME SELECT $id AS dataset_id, $name AS name, $path AS path,"
                " '' AS file_sha256, 'alpaca' AS format, 'jsonl' AS container, 'utf-8' AS encoding, '{}' AS mapping,"
                " '{}' AS spec, 0 AS n_rows, 0 AS n_rejected, '2026-01-01T00:00:00+00:00' AS imported_at",
                [
                    {"id": number, "name": f"{shape.name}-set", "path": f"/data/{shape.name}.jsonl"}
                    for number, shape in enumerate(shapes, 1)
                ],
            )
        for start in range(0, n_rows, CHUNK_ROWS):
            chunk = _chunk(shapes, start, min(CHUNK_ROWS, n_rows - start), seed, run.run_id)
            # One transaction over ten million rows would not fit into memory.
            with store.transaction() as cursor:
                for name in ("samples", "rows", "losses"):
                    cursor.register("chunk", getattr(chunk, name))
                    cursor.execute(f"INSERT INTO {name} BY NAME SELECT * FROM chunk")
                    cursor.unregister("chunk")
        with store.transaction() as cursor:
            cursor.execute(
                "UPDATE datasets SET n_rows = (SELECT count(*) FROM rows r WHERE r.dataset_id = datasets.dataset_id)"
            )
            register_scoring(cursor, run.run_id, SPEC, _result(n_rows), run.path / "no folds")
    _write_tokens(run, shapes, min(token_rows, n_rows), n_rows, seed)
    run.write_result(_result(n_rows))
    note.write_text(json.dumps(settings), encoding="utf-8")
    release(project.store_path)
    return project


def _result(n_rows: int) -> ScoreRunResult:
    return ScoreRunResult(
        render_fp=RENDER_FP,
        base=ScoredModel(BASE_FP, "base-7b"),
        references=(ScoredModel(REFERENCE_FP, "tuned"),),
        reference_fp=REFERENCE_FP,
        n_samples=n_rows,
        template="alpaca",
        max_tokens=2048,
        dtype="float32",
        device="cpu",
    )


def _chunk(shapes: Sequence[DomainShape], start: int, n: int, seed: int, run_id: str) -> Chunk:
    """Rows `start` to `start + n`; each depends on the seed and its number alone."""
    random = np.random.default_rng([seed, start])
    shares = np.array([shape.share for shape in shapes])
    code = random.choice(len(shapes), n, p=shares / shares.sum())
    keys = np.arange(start, start + n, dtype=np.int64)
    n_words = np.clip(_per_row(shapes, code, "words") * np.exp(_per_row(shapes, code, "words_sigma") *
                      random.standard_normal(n)), 1, 1500).astype(np.int32)  # fmt: skip
    prompts, responses = texts_of(shapes, code, keys, n_words, random)
    n_tokens = np.array([len(TOKEN.findall(text)) for text in responses], np.int32)
    n_prompt_tokens = np.array([len(TOKEN.findall(HEAD.format(text))) for text in prompts], np.int32)
    base = np.clip(_per_row(shapes, code, "base") * np.exp(0.35 * random.standard_normal(n)), 0.02, 9)
    score = np.minimum(_per_row(shapes, code, "learnability") + _per_row(shapes, code, "spread") *
                       random.standard_normal(n) - 0.03 * np.log(n_tokens / 50), 0.98)  # fmt: skip
    status = np.where(random.random(n) < SHARE_TRUNCATED, "truncated", "ok")
    # A duplicate is a row that points at the sample before it.
    again = (random.random(n) < SHARE_DUPLICATE) & (keys > start)
    sample_of_row = np.where(again, keys - 1, keys)
    names = np.array([shape.name for shape in shapes])
    hashes = random.bytes(32 * n)
    samples = pa.table(
        {
            "sample_key": keys,
            "sample_id": _hex_rows(hashes),
            "tie_key": np.frombuffer(hashes, ">u8")[::4].astype(np.uint64),
            "kind": pa.array(["chat"] * n),
            "turns": [_turns(prompt, response) for prompt, response in zip(prompts, responses, strict=True)],
            "system_text": pa.array([""] * n),
            "prompt_text": prompts,
            "response_text": responses,
            "n_chars": [len(prompt) + len(response) for prompt, response in zip(prompts, responses, strict=True)],
        }
    )
    rows = pa.table(
        {
            "row_key": keys,
            "dataset_id": pa.array(code[sample_of_row - start] + 1, pa.int32()),
            "row_index": keys,
            "line": keys + 1,
            "sample_key": sample_of_row,
            "domain": names[code[sample_of_row - start]],
            "source": [json.dumps({"instruction": prompts[row - start], "output": responses[row - start]})
                       for row in sample_of_row.tolist()],
            "is_duplicate": again,
        }
    )  # fmt: skip
    losses = pa.concat_tables(
        [
            _losses(keys, BASE_FP, base, n_tokens, n_prompt_tokens, status, run_id),
            _losses(keys, REFERENCE_FP, base * (1 - score), n_tokens, n_prompt_tokens, status, run_id),
        ]
    )
    return Chunk(samples, rows, losses)


def _per_row(shapes: Sequence[DomainShape], code: np.ndarray, field: str) -> np.ndarray:
    return np.array([getattr(shape, field) for shape in shapes])[code]


def _hex_rows(data: bytes) -> list[str]:
    text = data.hex()
    return [text[place : place + 64] for place in range(0, len(text), 64)]


def _turns(prompt: str, response: str) -> str:
    turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
    return json.dumps(turns, ensure_ascii=False, separators=(",", ":"))


def _losses(
    keys: np.ndarray,
    model_fp: str,
    mean: np.ndarray,
    n_tokens: np.ndarray,
    n_prompt_tokens: np.ndarray,
    status: np.ndarray,
    run_id: str,
) -> pa.Table:
    n = len(keys)
    part = "base" if model_fp == BASE_FP else "reference"
    return pa.table(
        {
            "sample_key": keys,
            "model_fp": pa.array([model_fp] * n),
            "render_fp": pa.array([RENDER_FP] * n),
            "loss_sum_nats": mean * n_tokens,
            "n_tokens": n_tokens,
            "n_prompt_tokens": n_prompt_tokens,
            "n_dropped_tokens": np.zeros(n, np.int32),
            "status": status,
            "run_id": pa.array([run_id] * n),
            "shard": [f"{part}-{key // TOKEN_CHUNK:05d}" for key in keys.tolist()],
        }
    )


def _write_tokens(run: RunFolder, shapes: Sequence[DomainShape], n_wanted: int, n_rows: int, seed: int) -> None:
    """Tokens and their losses of the first `n_wanted` samples, in the files that a scoring worker writes."""
    for start in range(0, n_wanted, CHUNK_ROWS):
        chunk = _chunk(shapes, start, min(CHUNK_ROWS, n_rows - start), seed, "")
        n_samples = len(chunk.samples)
        for low in range(0, min(n_samples, n_wanted - start), TOKEN_CHUNK):
            number = (start + low) // TOKEN_CHUNK
            samples = chunk.samples.slice(low, TOKEN_CHUNK)
            write_parquet(run.path / "tokens" / f"{number:05d}.parquet", _token_table(samples))
            for model, (part, first) in enumerate((("base", 0), ("reference", n_samples))):
                losses = chunk.losses.slice(first + low, len(samples))
                random = np.random.default_rng([seed, number, model])
                run.write_shard(f"{part}-{number:05d}", _shard(samples, losses, random))


def _token_table(samples: pa.Table) -> pa.Table:
    records = []
    for sample in samples.select(["sample_id", "prompt_text", "response_text"]).to_pylist():
        head = HEAD.format(sample["prompt_text"])
        before = [(found.start(), found.end()) for found in TOKEN.finditer(head)]
        after = [
            (found.start() + len(head), found.end() + len(head)) for found in TOKEN.finditer(sample["response_text"])
        ]
        records.append(
            {
                "sample_id": sample["sample_id"],
                "render_fp": RENDER_FP,
                "text": head + sample["response_text"],
                "token_ids": list(range(len(before) + len(after))),
                "token_starts": [start for start, _ in before + after],
                "token_ends": [end for _, end in before + after],
                "response_mask": [False] * len(before) + [True] * len(after),
            }
        )
    return pa.Table.from_pylist(records)


def _shard(samples: pa.Table, losses: pa.Table, random: np.random.Generator) -> pa.Table:
    """Losses that lie unevenly over the tokens, as real ones do, and sum to the sample's."""
    nlls = []
    for total, n_tokens in zip(losses["loss_sum_nats"].to_pylist(), losses["n_tokens"].to_pylist(), strict=True):
        uneven = random.gamma(0.6, size=n_tokens) + 1e-3
        nlls.append((uneven * (total / uneven.sum())).astype(np.float32))
    kept = losses.select(["model_fp", "render_fp", "loss_sum_nats", "n_tokens", "n_prompt_tokens", "n_dropped_tokens"])
    return (
        kept.add_column(0, "sample_id", samples["sample_id"])
        .append_column("status", losses["status"])
        .append_column("token_nlls", pa.array(nlls, pa.list_(pa.float32())))
    )


def main() -> None:
    """Make the project that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--domains", type=int, default=4, choices=range(1, len(SHAPES) + 1))
    parser.add_argument("--token-rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    project = make_project(
        asked.project, n_rows=asked.rows, n_domains=asked.domains, token_rows=asked.token_rows, seed=asked.seed
    )
    size = project.store_path.stat().st_size
    print(f"{asked.rows:,} rows in {project.root}: {size / 1e9:.2f} GB, {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
