"""What is known of all rows, as arrays: losses and score columns by name, lengths, domains, flags and decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lobass_core.errors import IncomparableLossesError, SelectionError
from lobass_core.learnability import flags as flag
from lobass_core.records import BASE, REFERENCE
from lobass_core.words.loss_columns import EPOCH_SPREAD, SPREAD, is_epoch, is_member


@dataclass(frozen=True, slots=True, eq=False)
class ScoreColumn:
    """Numbers a row that are not losses, computed here or brought from elsewhere.

    `source` says where they come from, as a person reads it; a selection keeps the highest, or the lowest.
    """

    name: str
    values: np.ndarray  # float64[n], NaN for a row without one
    unit: str = ""
    source: str = ""
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTable:
    """One entry a row in every array. Losses are mean nats per response token, NaN where there is none.

    A loss column is one model under one rendering, a score column any other number; both go by their names.

    `tie_key` is the first 8 bytes of the sample id, so it orders rows in the same way on every machine. `domains` is
    alphabetical and `domain_code` points into it; `datasets` likewise. `decision` is 1 keep, -1 drop, 0 none.

    A part of a table remembers the whole: a measure that depends on all rows has the same values in every part.
    """

    row_key: np.ndarray  # int64[n]
    sample_key: np.ndarray  # int64[n]
    tie_key: np.ndarray  # uint64[n]
    domains: tuple[str, ...]
    domain_code: np.ndarray  # int16[n]
    datasets: tuple[str, ...]
    dataset_code: np.ndarray  # int16[n]
    losses: Mapping[str, np.ndarray]  # float64[n] each, by the names in loss_columns.py; none where nothing is scored
    columns: Mapping[str, ScoreColumn]
    n_tokens: np.ndarray  # int32[n], response tokens, 0 where nobody has counted them
    n_prompt_tokens: np.ndarray  # int32[n], likewise
    n_bytes: np.ndarray  # int32[n], bytes of the response, -1 where unknown
    flags: np.ndarray  # uint16[n]
    decision: np.ndarray  # int8[n]
    whole: "ScoreTable | None" = None  # the table that these rows were taken from, None for that table itself
    places: np.ndarray | None = None  # int64[n]: where they stand in it
    fitted: dict[str, np.ndarray] = field(default_factory=dict)  # kept values that depend on all rows, by measure

    def __len__(self) -> int:
        return len(self.row_key)

    @property
    def is_scored(self) -> bool:
        """Whether it has losses. Without them no token is counted, and no flag tells one row from another."""
        return bool(self.losses)

    @classmethod
    def from_arrow(
        cls,
        table: pa.Table,
        dataset_names: Mapping[int, str] | None = None,
        columns: Sequence[ScoreColumn] = (),
    ) -> Self:
        """Read the columns that the store's `score_rows` gives, in any row order; `columns` have the same order.

        A loss called NAME stands in NAME_loss_sum, NAME_n_tokens and NAME_status.

        Raises:
            IncomparableLossesError: two models counted different response tokens for a row.
        """
        names = [name.removesuffix("_loss_sum") for name in table.column_names if name.endswith("_loss_sum")]
        n_tokens = _response_tokens(table, names)
        losses = {name: _mean_loss(table, f"{name}_loss_sum", n_tokens) for name in names}
        losses |= _spreads(losses)
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
            losses=losses,
            columns={column.name: column for column in columns},
            n_tokens=n_tokens,
            n_prompt_tokens=_integers(table, "n_prompt_tokens", 0).astype(np.int32),
            n_bytes=n_bytes,
            flags=_flags_of(table, losses, n_tokens, n_bytes),
            decision=np.zeros(table.num_rows, np.int8),
        )

    @property
    def is_counted(self) -> np.ndarray:
        """bool[n]: whether a model has read the row, so that its tokens are counted."""
        return np.full(len(self), self.is_scored) & ~(self.has(flag.NOT_SCORED) & (self.n_tokens == 0))

    @property
    def counted_tokens(self) -> np.ndarray:
        """Response tokens: int32[n] where all are counted, else float64[n] with NaN for those that are not."""
        counted = self.is_counted
        return self.n_tokens if counted.all() else np.where(counted, self.n_tokens, np.nan)

    def tokens_of(self, row: int) -> int | None:
        """The response tokens of one row; None where nobody has counted them."""
        is_counted = self.is_scored and not (self.flags[row] & flag.NOT_SCORED and self.n_tokens[row] == 0)
        return int(self.n_tokens[row]) if is_counted else None

    def take(self, rows: np.ndarray) -> Self:
        """The rows that a mask or an index array names, in its order."""
        apart = ("domains", "datasets", "losses", "columns", "whole", "places", "fitted")
        arrays = {name: getattr(self, name)[rows] for name in self.__slots__ if name not in apart}
        losses = {name: loss[rows] for name, loss in self.losses.items()}
        columns = {name: replace(column, values=column.values[rows]) for name, column in self.columns.items()}
        whole = self if self.whole is None else self.whole
        places = np.arange(len(self))[rows] if self.places is None else self.places[rows]
        return replace(self, losses=losses, columns=columns, whole=whole, places=places, **arrays)

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


def _response_tokens(table: pa.Table, names: Sequence[str]) -> np.ndarray:
    """int32[n]: how many every loss of a row is a mean of; 0 where there is none."""
    n_tokens = np.full(table.num_rows, -1, np.int64)
    for name in names:
        counted = _integers(table, f"{name}_n_tokens", -1)
        _check_same_tokens(table, n_tokens, counted, names[0], name)
        n_tokens = np.where(n_tokens >= 0, n_tokens, counted)
    return np.maximum(n_tokens, 0).astype(np.int32)


def _check_same_tokens(table: pa.Table, one: np.ndarray, other: np.ndarray, first: str, second: str) -> None:
    differs = (one >= 0) & (other >= 0) & (one != other)
    if not differs.any():
        return
    # The least sample, so that the message is the same in any row order.
    tie_key = table["tie_key"].to_numpy()
    row = int(np.flatnonzero(differs)[np.argmin(tie_key[differs])])
    raise IncomparableLossesError(
        f"sample {int(tie_key[row]):016x} has {one[row]} response tokens under the {first} and {other[row]} "
        f"under the {second}; {int(differs.sum()):,} rows differ in this way",
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


def _spreads(losses: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The standard error of the mean over several references, and the standard deviation over kept epochs.

    NaN where one of them has no loss.
    """
    members = [loss for name, loss in losses.items() if is_member(name)]
    epochs = [loss for name, loss in losses.items() if is_epoch(name)]
    spreads = {}
    if len(members) > 1:
        spreads[SPREAD] = np.std(members, axis=0, ddof=1) / np.sqrt(len(members))
    if len(epochs) > 1:
        spreads[EPOCH_SPREAD] = np.std(epochs, axis=0, ddof=1)
    return spreads


def _codes(column: pa.ChunkedArray) -> tuple[tuple[str, ...], np.ndarray]:
    """Alphabetical names and int16 codes into them."""
    encoded = pc.fill_null(column.cast(pa.string()), "").combine_chunks().dictionary_encode()
    values = encoded.dictionary.to_pylist()
    names = tuple(sorted(values))
    place = np.array([names.index(name) for name in values], np.int16)
    return names, place[encoded.indices.to_numpy()] if len(column) else np.zeros(0, np.int16)


def _dataset_codes(column: pa.ChunkedArray, known: Mapping[int, str]) -> tuple[tuple[str, ...], np.ndarray]:
    """As `_codes`; an id without a known name is called by its number."""
    ids, inverse = np.unique(pc.fill_null(column.cast(pa.int64()), -1).to_numpy(), return_inverse=True)
    named = [known.get(int(dataset_id), str(int(dataset_id))) for dataset_id in ids]
    names = tuple(sorted(named))
    place = np.array([names.index(name) for name in named], np.int16)
    return names, place[inverse] if len(column) else np.zeros(0, np.int16)


def _flags_of(
    table: pa.Table, losses: Mapping[str, np.ndarray], n_tokens: np.ndarray, n_bytes: np.ndarray
) -> np.ndarray:
    """The flags of base and reference; other losses mark no row."""
    nothing = np.full(len(n_tokens), np.nan)
    base_loss, reference_loss = losses.get(BASE, nothing), losses.get(REFERENCE, nothing)
    statuses = [table[f"{name}_status"] for name in (BASE, REFERENCE) if name in losses]

    def either(status: str) -> np.ndarray:
        is_status = [pc.fill_null(pc.equal(column, status), False) for column in statuses]
        parts = [column.to_numpy(zero_copy_only=False) for column in is_status]
        return np.logical_or.reduce([np.zeros(len(n_tokens), bool), *parts])

    not_scored = np.isnan(nothing) if len(statuses) < 2 else np.logical_or(*(c.is_null().to_numpy() for c in statuses))
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
        in_evaluation=table["is_in_evaluation"].to_numpy(),
    )
