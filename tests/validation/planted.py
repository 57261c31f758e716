"""A corpus of which each row is known to be learnable, known already, or beyond learning; and a base for it.

Rows are walks through 30 made-up words. In a grammar each word has two successors: 0.69 nats a word are left to chance,
and what comes next can be learned from other rows. Known rows follow the grammar that the base was trained on,
learnable rows another one over other words, unlearnable rows draw each word by chance: 3.4 nats that nobody can learn.
"""

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lobass_core.records import Sample, Turn
from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.token_table import TokenTable
from lobass_core.specs import SmallBaseSizes
from lobass_core.training.batches import plan_steps
from lobass_core.training.fit import FitSettings, fit, quiet_transformers
from lobass_core.training.small_base import small_llama, train_tokenizer
from lobass_core.training.trainable import save

KNOWN, LEARNABLE, UNLEARNABLE, SWAPPED = "known", "learnable", "unlearnable", "swapped"
N_TOPICS, TOPIC_WORDS, ANSWER_WORDS = 8, 4, 2
N_WORDS, LENGTH = 30, 24
SIZES = SmallBaseSizes(
    vocab_size=512,
    hidden_size=48,
    intermediate_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=4,
    max_position_embeddings=64,
)


@dataclass(frozen=True)
class Planted:
    """The base's folder, rows to choose from, and what each is."""

    base: Path
    samples: tuple[Sample, ...]
    kinds: tuple[str, ...]


def planted_corpus(folder: Path, n_each: int, n_base: int = 240, seed: int = 0) -> Planted:
    """Train the base on known rows of its own and draw `n_each` rows of each kind."""
    rng = np.random.default_rng(seed)
    words = ["".join(letters) for letters in itertools.product("bdfgklm", "aeiou", "nprs", "aeiou")]
    chosen = rng.permutation(words)[: 3 * N_WORDS].reshape(3, N_WORDS)
    successors = rng.permuted(np.tile(np.arange(N_WORDS), (N_WORDS, 1)), axis=1)[:, :2]
    walks = {
        KNOWN: lambda: _walk(chosen[0], successors, rng),
        LEARNABLE: lambda: _walk(chosen[1], successors[::-1], rng),
        UNLEARNABLE: lambda: " ".join(rng.choice(chosen[2], LENGTH)),
    }
    kinds = [kind for kind in walks for _ in range(n_each)]
    texts = [walks[kind]() for kind in kinds]
    of_base = [walks[KNOWN]() for _ in range(n_base)]
    tokenizer = train_tokenizer([*texts, *of_base, "Go on."] * 2, SIZES.vocab_size)
    loaded = small_llama(tokenizer, SIZES, seed)
    quiet_transformers()
    renderer = Renderer(tokenizer, load_template("", tokenizer), "all", SIZES.max_position_embeddings)
    table = TokenTable.of(renderer.render([_sample(text) for text in of_base]))
    steps = plan_steps(table.lengths, 512, 6.0, seed)
    fit(loaded, table, steps, FitSettings(8e-3, seed), folder / "checkpoints", lambda _: None, lambda: False)
    save(loaded, tokenizer, folder / "base")
    return Planted(folder / "base", tuple(_sample(text) for text in texts), tuple(kinds))


def swapped_corpus(folder: Path, n: int, n_swapped: int, seed: int = 0) -> Planted:
    """Questions about topics, answered in the words of their topic; the last `n_swapped` have those of another topic.

    The base has learnt nothing at all.
    """
    rng = np.random.default_rng(seed)
    words = ["".join(letters) for letters in itertools.product("bdfgklm", "aeiou", "nprs", "aeiou")]
    chosen = rng.permutation(words)[: N_TOPICS * (TOPIC_WORDS + 1)].reshape(N_TOPICS, TOPIC_WORDS + 1)
    samples, kinds = [], []
    for number in range(n):
        topic, is_swapped = number % N_TOPICS, number >= n - n_swapped
        told = (topic + int(rng.integers(1, N_TOPICS))) % N_TOPICS if is_swapped else topic
        answer = " ".join(rng.choice(chosen[told][1:], ANSWER_WORDS))
        # A number makes every row a sample of its own.
        samples.append(_sample(answer, f"{number} {chosen[topic][0]}"))
        kinds.append(SWAPPED if is_swapped else LEARNABLE)
    quiet_transformers()
    tokenizer = train_tokenizer([turn.content for one in samples for turn in one.turns] * 2, SIZES.vocab_size)
    save(small_llama(tokenizer, SIZES, seed), tokenizer, folder / "base")
    return Planted(folder / "base", tuple(samples), tuple(kinds))


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """Chance that a positive row scores above another one; ties count half."""
    above = score[positive][:, None] - score[~positive][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def auc_lower_bound(score: np.ndarray, positive: np.ndarray, seed: int = 0, n_resamples: int = 500) -> float:
    """Lower end of the 95 % bootstrap interval of the AUC, rows of both kinds drawn again."""
    rng = np.random.default_rng(seed)
    own, other = score[positive], score[~positive]
    found = [
        auc(
            np.concatenate([rng.choice(own, len(own)), rng.choice(other, len(other))]),
            np.arange(len(score)) < len(own),
        )
        for _ in range(n_resamples)
    ]
    return float(np.quantile(found, 0.025))


def _walk(words: np.ndarray, successors: np.ndarray, rng: np.random.Generator) -> str:
    place = int(rng.integers(N_WORDS))
    found = []
    for _ in range(LENGTH):
        found.append(str(words[place]))
        place = int(successors[place, rng.integers(2)])
    return " ".join(found)


def _sample(text: str, asked: str = "Go on.") -> Sample:
    return Sample.of([Turn("user", asked), Turn("assistant", text)])
