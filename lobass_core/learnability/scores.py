"""Losses of all rows as arrays, and the scores that are computed from them.

learnability(sample) = (L_base - L_ref) / L_base, L the mean NLL of the response tokens given the prompt, in nats
(LoBaSS, arXiv 2310.13008, section 3.1).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.errors import IncomparableLossesError, SelectionError
from lobass_core.learnability import flags as flag
from lobass_core.specs import DIFFERENCE_METHODS, Method

# Two passes over one model differ by no more, in nats per response token: see tests/invariants/test_losses.py.
EQUAL_NATS = 5e-6


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """One entry a row in every array. Losses are mean nats per response token, NaN where there is none.

    `tie_key` is the first 8 bytes of the sample id, so it orders rows in the same way on every machine. `domains` is
    alphabetical and `domain_code` points into it; `datasets` likewise. `decision` is 1 keep, -1 drop, 0 none.
    """

    row_key: np.ndarray  # int64[n]
    sample_key: np.ndarray  # int64[n]
    tie_key: np.ndarray  # uint64[n]
    domains: tuple[str, ...]
    domain_code: np.ndarray  # int16[n]
    datasets: tuple[str, ...]
    dataset_code: np.ndarray  # int16[n]
    base_loss: np.ndarray  # float64[n]
    reference_loss: np.ndarray  # float64[n]
    n_tokens: np.ndarray  # int32[n], response tokens
    n_prompt_tokens: np.ndarray  # int32[n]
    n_bytes: np.ndarray  # int32[n], bytes of the response, -1 where unknown
    flags: np.ndarray  # uint16[n]
    decision: np.ndarray  # int8[n]

    def __len__(self) -> int:
        return len(self.row_key)

    @classmethod
    def from_arrow(cls, table: pa.Table, dataset_names: Mapping[int, str] | None = None) -> Self:
        """Read the columns that the store's `score_rows` gives; any row order.

        Raises:
            IncomparableLossesError: base and reference counted different response tokens for a row.
        """
        base_n, reference_n = _integers(table, "base_n_tokens", -1), _integers(table, "reference_n_tokens", -1)
        _check_same_tokens(table, base_n, reference_n)
        n_tokens = np.maximum(np.where(base_n >= 0, base_n, reference_n), 0).astype(np.int32)
        base_loss = _mean_loss(table, "base_loss_sum", n_tokens)
        reference_loss = _mean_loss(table, "reference_loss_sum", n_tokens)
        n_bytes = _integers(table, "n_response_bytes", -1).astype(np.int32)
        domains, domain_code = _codes(table["domain"])
        datasets, dataset_code = _dataset_codes(table["dataset_id"], dataset_names or {})
        return cls(
            row_key=_integers(table, "row_key", 0),
            sample_key=_integers(table, "sample_key", 0),
            tie_key=table["tie_key"].to_numpy().astype(np.uint64),
            domains=domains,
            domain_code=domain_code,
            datasets=datasets,
            dataset_code=dataset_code,
            base_loss=base_loss,
            reference_loss=reference_loss,
            n_tokens=n_tokens,
            n_prompt_tokens=_integers(table, "n_prompt_tokens", 0).astype(np.int32),
            n_bytes=n_bytes,
            flags=_flags_of(table, base_loss, reference_loss, n_tokens, n_bytes),
            decision=np.zeros(table.num_rows, np.int8),
        )

    def learnability(self) -> np.ndarray:
        """float64[n], at most 1; NaN where a loss is missing, the base loss is not above 0 or the share overflows."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            share = (self.base_loss - self.reference_loss) / self.base_loss
        return np.where((self.base_loss > 0) & np.isfinite(share), share, np.nan)

    def loss_drop(self) -> np.ndarray:
        """float64[n]: mean nats per response token that the reference gained."""
        return self.base_loss - self.reference_loss

    def loss_drop_sum(self) -> np.ndarray:
        """float64[n]: nats that the reference gained over the whole response."""
        return self.loss_drop() * self.n_tokens

    def check_difference(self, method: Method) -> None:
        """Refuse a method that needs what the reference gained, where it gained nothing in any row.

        Raises:
            SelectionError: base and reference have the same losses throughout.
        """
        apart = np.abs(self.base_loss - self.reference_loss)
        apart = apart[np.isfinite(apart)]
        if method not in DIFFERENCE_METHODS or not len(apart) or apart.max() > EQUAL_NATS:
            return
        raise SelectionError(
            f"{method} needs a reference that differs from the base, but their losses are equal in all "
            f"{len(apart):,} scored rows",
            do="Score with another reference, or rank by base-loss, reference-loss, length or random.",
        )

    def bits_per_byte(self, loss: np.ndarray, rows: np.ndarray | Sequence[int] | slice = slice(None)) -> np.ndarray:
        """float64 of `rows`: a mean loss of this table in bits per byte of the response, NaN where bytes are unknown.

        The bytes are the same for every tokenizer, so these numbers compare between models that share none.
        """
        n_bytes = self.n_bytes[rows].astype(np.float64)
        n_bytes[n_bytes <= 0] = np.nan
        return loss[rows] * self.n_tokens[rows] / (n_bytes * math.log(2))

    def score(self, method: Method, seed: int = 0) -> np.ndarray:
        """float64[n] of any method, higher is kept first; NaN = cannot be scored. The seed matters to `random` only."""
        match method:
            case "learnability":
                return self.learnability()
            case "loss-drop":
                return self.loss_drop()
            case "loss-drop-sum":
                return self.loss_drop_sum()
            case "base-loss":
                return self.base_loss
            case "reference-loss":
                return self.reference_loss
            case "length":
                return np.where(self.n_tokens > 0, self.n_tokens.astype(np.float64), np.nan)
            case "random":
                return np.where(self.n_tokens > 0, hashed_uniform(self.tie_key, seed), np.nan)

    def take(self, rows: np.ndarray) -> Self:
        """The rows that a mask or an index array names, in its order."""
        arrays = {name: getattr(self, name)[rows] for name in self.__slots__ if name not in ("domains", "datasets")}
        return replace(self, **arrays)

    def scope(self, names: Sequence[str]) -> np.ndarray:
        """bool[n]: the rows of the named datasets; every row when no name is given.

        Raises:
            SelectionError: a name that no scored dataset has.
        """
        if not names:
            return np.ones(len(self), bool)
        unknown = sorted(set(names) - set(self.datasets))
        if unknown:
            raise SelectionError(
                f"there is no scored dataset {', '.join(unknown)}", do=f"Choose from: {', '.join(self.datasets)}."
            )
        return np.isin(self.dataset_code, [self.datasets.index(name) for name in names])

    def has(self, bits: int) -> np.ndarray:
        """bool[n]: rows with any of the flags."""
        return (self.flags & np.uint16(bits)) != 0


def hashed_uniform(tie_key: np.ndarray, seed: int) -> np.ndarray:
    """float64[n] in [0, 1) from (seed, tie_key) alone, so in no row order (splitmix64, Steele et al. 2014)."""
    start = _splitmix64(np.array([seed % 2**64], np.uint64))
    return (_splitmix64(tie_key.astype(np.uint64) ^ start) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _splitmix64(z: np.ndarray) -> np.ndarray:
    z = z + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _check_same_tokens(table: pa.Table, base_n: np.ndarray, reference_n: np.ndarray) -> None:
    differs = (base_n >= 0) & (reference_n >= 0) & (base_n != reference_n)
    if not differs.any():
        return
    # The least sample, so that the message is the same in any row order.
    tie_key = table["tie_key"].to_numpy()
    row = int(np.flatnonzero(differs)[np.argmin(tie_key[differs])])
    raise IncomparableLossesError(
        f"sample {int(tie_key[row]):016x} has {base_n[row]} response tokens under the base and {reference_n[row]} "
        f"under the reference; {int(differs.sum()):,} rows differ in this way",
        where=f"domain {table['domain'][row].as_py()}, row {table['row_index'][row].as_py()} of its file",
        do="Score both models again with the same template and token limit.",
    )


def _integers(table: pa.Table, name: str, when_null: int) -> np.ndarray:
    return pc.fill_null(table[name].cast(pa.int64()), when_null).to_numpy()


def _floats(table: pa.Table, name: str) -> np.ndarray:
    return table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)


def _mean_loss(table: pa.Table, name: str, n_tokens: np.ndarray) -> np.ndarray:
    """NaN for no loss, no token, or a sum that is no finite number."""
    loss_sum = _floats(table, name)
    usable = np.isfinite(loss_sum) & (n_tokens > 0)
    mean = np.full(len(n_tokens), np.nan)
    mean[usable] = loss_sum[usable] / n_tokens[usable]
    return mean


def _codes(column: pa.ChunkedArray) -> tuple[tuple[str, ...], np.ndarray]:
    """Alphabetical names and int16 codes into them."""
    encoded = pc.fill_null(column.cast(pa.string()), "").combine_chunks().dictionary_encode()
    found = encoded.dictionary.to_pylist()
    names = tuple(sorted(found))
    place = np.array([names.index(name) for name in found], np.int16)
    return names, place[encoded.indices.to_numpy()] if len(column) else np.zeros(0, np.int16)


def _dataset_codes(column: pa.ChunkedArray, known: Mapping[int, str]) -> tuple[tuple[str, ...], np.ndarray]:
    """As `_codes`; an id without a known name is called by its number."""
    ids, inverse = np.unique(pc.fill_null(column.cast(pa.int64()), -1).to_numpy(), return_inverse=True)
    found = [known.get(int(dataset_id), str(int(dataset_id))) for dataset_id in ids]
    names = tuple(sorted(found))
    place = np.array([names.index(name) for name in found], np.int16)
    return names, place[inverse] if len(column) else np.zeros(0, np.int16)


def _flags_of(
    table: pa.Table, base_loss: np.ndarray, reference_loss: np.ndarray, n_tokens: np.ndarray, n_bytes: np.ndarray
) -> np.ndarray:
    def either(status: str) -> np.ndarray:
        found = [pc.fill_null(pc.equal(table[name], status), False) for name in ("base_status", "reference_status")]
        return np.logical_or(*(column.to_numpy(zero_copy_only=False) for column in found))

    missing = [table[name].is_null().to_numpy() for name in ("base_status", "reference_status")]
    not_scored = np.logical_or(*missing)
    no_response = either("no_response") | (~not_scored & (n_tokens == 0))
    without_loss = np.isnan(base_loss) | np.isnan(reference_loss)
    return flag.loss_flags(
        base_loss,
        reference_loss,
        n_tokens,
        truncated=either("truncated"),
        non_finite=either("non_finite") | (without_loss & ~not_scored & ~no_response),
        no_response=no_response,
        not_scored=not_scored,
        duplicate=pc.fill_null(table["is_duplicate"], False).to_numpy(zero_copy_only=False),
        worse_than_chance=flag.above_chance(base_loss, n_tokens, n_bytes, _integers(table, "vocabulary_size", 0)),
        unseen_by_reference=pc.fill_null(table["is_unseen"], False).to_numpy(zero_copy_only=False),
    )
