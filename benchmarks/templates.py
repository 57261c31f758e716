"""What it costs to render a model's chat template in a process of its own (docs/decisions/templates.md).

    PYTHONPATH=$PWD TOKENIZERS_PARALLELISM=false python benchmarks/templates.py MODEL_FOLDER [N_SAMPLES]

Makes tokens of the same conversations under the model's own template, with the template in its process and in this one,
in turns, several times over. Prints seconds by the clock and of processor time of both processes together, the ratio of
each pair, and whether the tokens are the same.
"""

import os
import random
import statistics
import sys
import time
from collections.abc import Callable

from transformers import AutoTokenizer

from lobass_core.records import Sample, Turn
from lobass_core.rendering.finders import TrustedFinder
from lobass_core.rendering.render import Rendered, Renderer
from lobass_core.rendering.spans import ResponseFinder
from lobass_core.rendering.template_process import _idle
from lobass_core.rendering.templates import load_template

ROUNDS = 9
CHUNK = 1000


def conversations(n: int) -> list[Sample]:
    """One exchange of 140 random words each."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghij", k=rng.randint(2, 9))) for _ in range(5000)]

    def text(n_words: int) -> str:
        return " ".join(rng.choices(words, k=n_words))

    return [Sample.of([Turn("user", f"{i} {text(40)}"), Turn("assistant", text(100))]) for i in range(n)]


def renderers(folder: str) -> tuple[Renderer, Renderer]:
    """One with the template in a process of its own, and one with it in this process."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    template = load_template("tokenizer", tokenizer)
    started = time.perf_counter()
    apart = Renderer(tokenizer, template, "all", 2048)
    print(f"started and tried in {time.perf_counter() - started:.2f} s")
    here = Renderer(tokenizer, template, "all", 2048)
    here._finder = TrustedFinder(ResponseFinder(template, here._variables, here._special))
    return apart, here


def cpu_seconds() -> float:
    """Of this process and the template's."""
    ticks = 0
    for process in _idle.values():
        with open(f"/proc/{process._process.pid}/stat") as file:  # noqa: PTH123
            ticks += sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def timed(render: Callable[[list[Sample]], list[Rendered]], samples: list[Sample]) -> tuple[float, float, list]:
    """Seconds by the clock, of processor time, and the rows."""
    clock, cpu, rows = time.perf_counter(), cpu_seconds(), []
    for start in range(0, len(samples), CHUNK):
        rows += render(samples[start : start + CHUNK])
    return time.perf_counter() - clock, cpu_seconds() - cpu, rows


def main() -> None:
    """Print a line a round, then the median ratios."""
    apart, here = renderers(sys.argv[1])
    samples = conversations(int(sys.argv[2]) if len(sys.argv) > 2 else 4000)
    ratios = []
    for number in range(ROUNDS):
        first, second = (apart, here) if number % 2 else (here, apart)
        found = {id(one): timed(one.render, samples) for one in (first, second)}
        (clock, cpu, rows), (clock_here, cpu_here, rows_here) = found[id(apart)], found[id(here)]
        assert all(
            (one.input_ids == other.input_ids).all() and (one.response_mask == other.response_mask).all()
            for one, other in zip(rows, rows_here, strict=True)
        )
        ratios.append((clock / clock_here, cpu / cpu_here))
        print(f"clock {clock:.2f} / {clock_here:.2f} = {ratios[-1][0]:.3f}", end="   ")
        print(f"processor {cpu:.2f} / {cpu_here:.2f} = {ratios[-1][1]:.3f}")
    by_clock, by_cpu = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"median ratios: {by_clock:.3f} by the clock, {by_cpu:.3f} of processor time; the tokens are the same")


if __name__ == "__main__":
    main()
