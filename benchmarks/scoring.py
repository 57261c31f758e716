"""How fast the scoring engine is, against the usual ways of doing the same, in one run.

    python benchmarks/scoring.py                       # four shapes on one CPU thread, about an hour
    python benchmarks/scoring.py --quick               # the two small shapes, few samples, about a minute
    python benchmarks/scoring.py --device cuda --shapes 494M 7B --samples 50000

Ways compared, all on the same samples with random weights (speed does not depend on their values):

    one          batch size 1, Hugging Face's own loss from labels
    padded 8     batches of 8 in dataset order, padded, with attention mask and labels
    padded 32    the same with 32
    sorted 8     sorted by length, batches of 8, full logits (the way of lm-evaluation-harness)
    engine       this program

Repeats are interleaved, so that a busy machine slows all of them alike; medians are shown. On a CPU a second is a CPU
second of the process. Lengths are those of Alpaca and GSM8K rows at four characters a token where LOBASS_REAL_DATA
names them, else drawn from a like distribution. All rows are taken to stand in one template of 30 tokens, 26 of them
(`--head`) in front of the prompt: the engine reads what rows begin with once, the other ways do not.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from peak_memory import high_water, restart_peak
from transformers import AutoConfig, AutoModelForCausalLM, logging

from lobass_core.scoring.batch_plan import longest_first
from lobass_core.scoring.engine import Engine
from lobass_core.scoring.models import LoadedModel
from lobass_core.scoring.onednn import onednn_or_plain
from lobass_core.scoring.output_head import find_output_head
from lobass_core.scoring.products import compute_by, fastest_library
from lobass_core.scoring.shared_prefixes import find_prefixes
from lobass_core.scoring.token_table import TokenTable

CHARACTERS_A_TOKEN = 4
TEMPLATE_TOKENS = 30
MOST_TOKENS = 1024
BASELINES = ("one", "padded 8", "padded 32", "sorted 8")


@dataclass(frozen=True, slots=True)
class Shape:
    """A Llama of some size, and how many samples it takes for a measurement of some seconds on one CPU thread."""

    name: str
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocabulary: int
    n_samples: int


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("5.4M", 256, 6, 8, 8, 688, 4_096, 512),
        Shape("30M", 512, 6, 8, 8, 1_376, 32_000, 64),
        Shape("59M", 384, 6, 6, 6, 1_024, 128_256, 40),
        Shape("494M", 896, 24, 14, 2, 4_864, 151_936, 32),
        Shape("7B", 4_096, 32, 32, 32, 11_008, 32_000, 4),
    )
}


def lengths(n: int) -> list[tuple[int, int]]:
    """(prompt tokens, response tokens) of n rows, half conversation, half mathematics."""
    folder = Path(os.environ.get("LOBASS_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if (folder / "conversation/alpaca_random_9k.json").is_file():
        alpaca = json.loads((folder / "conversation/alpaca_random_9k.json").read_text(encoding="utf-8"))
        texts = [(row["instruction"] + row["input"], row["output"]) for row in alpaca]
        lines = (folder / "math/gsm8k_train.jsonl").read_text(encoding="utf-8").splitlines()
        texts += [(row["question"], row["answer"]) for row in map(json.loads, lines)]
        pairs = [
            (TEMPLATE_TOKENS + len(asked) // CHARACTERS_A_TOKEN, 1 + len(said) // CHARACTERS_A_TOKEN)
            for asked, said in texts
        ]
    else:
        chance = np.random.default_rng(0)
        drawn = np.exp(chance.normal([3.8, 4.0], [0.6, 0.9], (20_000, 2))).astype(int)
        pairs = [(TEMPLATE_TOKENS + prompt, 1 + said) for prompt, said in drawn.tolist()]
    order = np.random.default_rng(1).permutation(len(pairs))
    chosen = [pairs[order[place % len(order)]] for place in range(n)]
    return [(min(prompt, MOST_TOKENS // 2), min(said, MOST_TOKENS // 2)) for prompt, said in chosen]


def token_table(n: int, vocabulary: int, n_head: int) -> TokenTable:
    """Samples of real lengths made of random tokens, the first `n_head` of them the same in all."""
    chance = np.random.default_rng(2)
    pairs = np.array(lengths(n))
    sizes = pairs.sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    mask = np.concatenate([np.arange(prompt + said) >= prompt for prompt, said in pairs])
    input_ids = chance.integers(3, vocabulary, starts[-1]).astype(np.int32)
    input_ids[starts[:-1, None] + np.arange(n_head)] = input_ids[:n_head]
    return TokenTable(
        sample_ids=tuple(f"{place:06d}" for place in range(n)),
        input_ids=input_ids,
        response_mask=mask,
        starts=starts,
        lengths=sizes,
        n_response_tokens=pairs[:, 1].astype(np.int32),
        n_response_bytes=(4 * pairs[:, 1]).astype(np.int32),
        n_prompt_tokens=pairs[:, 0].astype(np.int32),
        n_dropped_tokens=np.zeros(n, np.int32),
        statuses=("ok",) * n,
    )


def model_of(shape: Shape, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """A Llama of that shape with random weights."""
    config = AutoConfig.for_model(
        "llama",
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_size=shape.intermediate,
        max_position_embeddings=4096,
        tie_word_embeddings=shape.name != "7B",
    )
    torch.manual_seed(0)
    with torch.device(device):
        return AutoModelForCausalLM.from_config(config, dtype=dtype).eval()


def padded_batches(table: TokenTable, order: list[int], n_rows: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """input_ids, attention_mask and labels of fixed batches, as a trainer's collator makes them."""
    for start in range(0, len(order), n_rows):
        rows = order[start : start + n_rows]
        width = max(int(table.lengths[row]) for row in rows)
        ids = torch.zeros(len(rows), width, dtype=torch.long)
        attention, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for place, row in enumerate(rows):
            own = torch.from_numpy(table.ids_of(row).astype(np.int64))
            ids[place, : len(own)] = own
            attention[place, : len(own)] = 1
            labels[place, : len(own)] = torch.where(torch.from_numpy(table.mask_of(row)), own, -100)
        yield ids, attention, labels


@torch.inference_mode()
def run_padded(model: torch.nn.Module, table: TokenTable, order: list[int], n_rows: int, device: torch.device) -> None:
    """Losses a sample from full logits, as published scorers do it."""
    for ids, attention, labels in padded_batches(table, order, n_rows):
        ids, attention, labels = ids.to(device), attention.to(device), labels.to(device)
        if n_rows == 1:
            model(input_ids=ids, labels=labels).loss.item()
            continue
        logits = model(input_ids=ids, attention_mask=attention).logits[:, :-1].float()
        torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), reduction="none").cpu()


def run_engine(loaded: LoadedModel, table: TokenTable, order: np.ndarray) -> None:
    """The engine with the library that a scoring run would choose; the other ways keep torch's own."""
    compute_by(loaded.model, fastest_library(loaded.device, loaded.dtype))
    for _ in Engine(loaded, table).score(order):
        pass
    compute_by(loaded.model, "mkl")


def ways(model: torch.nn.Module, table: TokenTable, device: torch.device, dtype: torch.dtype) -> dict[str, Callable]:
    """Name -> one pass over all samples."""
    plain = list(range(len(table)))
    by_length = longest_first(table.lengths, table.sample_ids)
    loaded = LoadedModel(model, device, dtype, find_output_head(model))
    return {
        "one": lambda: run_padded(model, table, plain, 1, device),
        "padded 8": lambda: run_padded(model, table, plain, 8, device),
        "padded 32": lambda: run_padded(model, table, plain, 32, device),
        "sorted 8": lambda: run_padded(model, table, by_length.tolist(), 8, device),
        "engine": lambda: run_engine(loaded, table, by_length),
    }


def seconds_of(work: Callable, device: torch.device) -> float:
    """One pass: CPU seconds of this process on a CPU (others may use the machine too), wall clock on a GPU."""
    if device.type == "cpu":
        started = time.process_time()
        work()
        return time.process_time() - started
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def needed_flop(shape: Shape, table: TokenTable, device: torch.device) -> float:
    """The floor: products over the tokens that are not read already, causal attention, the head at response positions.

    Rows that begin alike need their common head once, where the engine reads it once: not on a GPU.
    """
    kv = shape.hidden * shape.kv_heads // shape.heads
    weights = shape.layers * (2 * shape.hidden**2 + 2 * shape.hidden * kv + 3 * shape.hidden * shape.intermediate)
    seen = float(find_prefixes(table).n_tokens.max()) if device.type == "cpu" else 0.0
    read = (table.lengths - 1).astype(float)
    attention = 2 * shape.layers * shape.hidden * ((read**2).sum() - (len(table) - 1) * seen**2)
    n_read = read.sum() - (len(table) - 1) * seen
    return 2 * weights * n_read + attention + 2 * shape.hidden * shape.vocabulary * table.n_response_tokens.sum()


def product_rate(shape: Shape, device: torch.device, dtype: torch.dtype, *, plain: bool) -> float:
    """FLOP/s of the shape's own largest product over 2,048 tokens; the best of several.

    `plain` False: by the library that the engine would choose on this processor, else as torch does it by itself.
    """
    tokens = torch.randn(2048, shape.hidden, device=device, dtype=dtype)
    weight = torch.randn(shape.intermediate, shape.hidden, device=device, dtype=dtype)
    flop = 2 * tokens.shape[0] * weight.numel()
    n_times = max(1, int(2e10 / flop)) if device.type == "cpu" else 50
    rates = []
    by_onednn = not plain and fastest_library(device, dtype) == "onednn"
    product = onednn_or_plain if by_onednn else torch.nn.functional.linear
    with torch.inference_mode():
        for _ in range(5):
            seconds = seconds_of(lambda: [product(tokens, weight) for _ in range(n_times)], device)
            rates.append(n_times * flop / seconds)
    return max(rates)


def peak_bytes(shape: Shape, way: str, arguments: argparse.Namespace) -> int:
    """Memory that one way needs on top of the loaded model, measured in a process of its own."""
    command = [sys.executable, __file__, "--peak", way, "--shapes", shape.name, "--device", arguments.device]
    command += ["--samples", str(arguments.samples), "--threads", str(arguments.threads), "--dtype", arguments.dtype]
    command += ["--head", str(arguments.head)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def print_peak(shape: Shape, arguments: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> None:
    """The child's part of `peak_bytes`."""
    table = token_table(arguments.samples or shape.n_samples, shape.vocabulary, arguments.head)
    model = model_of(shape, device, dtype)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        ways(model, table, device, dtype)[arguments.peak]()
        print(torch.cuda.max_memory_allocated() - before)
        return
    work = ways(model, table, device, dtype)[arguments.peak]
    before = restart_peak()
    work()
    print(max(0, high_water() - before))


def measure(shape: Shape, arguments: argparse.Namespace, device: torch.device, dtype: torch.dtype) -> dict:
    """All ways over one shape."""
    table = token_table(arguments.samples or shape.n_samples, shape.vocabulary, arguments.head)
    model = model_of(shape, device, dtype)
    all_ways = ways(model, table, device, dtype)
    chosen = {name: all_ways[name] for name in arguments.ways}
    rates = {plain: product_rate(shape, device, dtype, plain=plain) for plain in (False, True)}
    seconds: dict[str, list[float]] = {name: [] for name in chosen}
    chosen["engine"]()
    for _ in range(arguments.repeats):
        for name, work in chosen.items():
            seconds[name].append(seconds_of(work, device))
    rates = {plain: max(rate, product_rate(shape, device, dtype, plain=plain)) for plain, rate in rates.items()}
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    n_tokens = int(table.lengths.sum())
    engine_rate = needed_flop(shape, table, device) / medians["engine"]
    return {
        "shape": shape.name,
        "vocabulary": shape.vocabulary,
        "n_samples": len(table),
        "n_tokens": n_tokens,
        "tokens_per_second": {name: round(n_tokens / value, 1) for name, value in medians.items()},
        "times_engine": {name: round(value / medians["engine"], 2) for name, value in medians.items()},
        "peak_megabytes": {} if arguments.no_memory else {n: peak_bytes(shape, n, arguments) >> 20 for n in chosen},
        "product_gflops": round(rates[False] / 1e9, 1),
        "share_of_product_rate": round(engine_rate / rates[False], 3),
        "plain_product_gflops": round(rates[True] / 1e9, 1),
        "share_of_plain_product_rate": round(engine_rate / rates[True], 3),
    }


def show(result: dict) -> None:
    """One shape as a small table."""
    print(
        f"\n{result['shape']}, vocabulary {result['vocabulary']:,}: {result['n_samples']:,} samples, "
        f"{result['n_tokens']:,} tokens; products run at {result['product_gflops']:,} GFLOP/s, "
        f"the engine reaches {result['share_of_product_rate']:.0%} of it "
        f"({result['share_of_plain_product_rate']:.0%} of torch's own {result['plain_product_gflops']:,})"
    )
    for name, speed in result["tokens_per_second"].items():
        peak = result["peak_megabytes"].get(name)
        memory = f"{peak:>8,} MB" if peak is not None else ""
        ratio = result["times_engine"][name]
        print(f"  {name:<10} {speed:>12,.0f} tokens/s   engine is {ratio:>5.2f} times as fast {memory}")


def main() -> None:
    """Measure, print, and with --json write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=["5.4M", "30M", "59M", "494M"])
    parser.add_argument("--ways", nargs="+", choices=[*BASELINES, "engine"], default=[*BASELINES, "engine"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--samples", type=int, default=0, help="samples a shape (0: enough for a CPU thread)")
    parser.add_argument("--head", type=int, default=26, help="tokens that all rows begin with (0: nothing in common)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="the two small shapes, few samples, one repeat, no memory")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if "engine" not in arguments.ways:
        arguments.ways.append("engine")
    if arguments.quick:
        arguments.shapes, arguments.repeats, arguments.no_memory = ["5.4M", "30M"], 1, True
        arguments.samples = arguments.samples or 32
    logging.set_verbosity_error()
    torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    name = arguments.dtype if arguments.dtype != "auto" else ("bfloat16" if device.type == "cuda" else "float32")
    dtype = getattr(torch, name)
    if arguments.peak:
        print_peak(SHAPES[arguments.shapes[0]], arguments, device, dtype)
        return
    print(f"{device}, {name}, {arguments.threads} threads, torch {torch.__version__}, {arguments.repeats} repeats")
    results = []
    for shape in arguments.shapes:
        results.append(measure(SHAPES[shape], arguments, device, dtype))
        show(results[-1])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
