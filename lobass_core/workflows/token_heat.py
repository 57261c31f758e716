"""The loss of every response token of a sample under base and reference, with its place in the text.

Of several references it is the mean.

heat = read_token_losses(project, rows, sample_key)
heat.text[heat.starts[5]:heat.ends[5]]          the sixth token
heat.base[5] - heat.reference[5]                nats that the reference gained on it; None before the response
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lobass_core.errors import RunError
from lobass_core.jobs.checksums import require_good
from lobass_core.project import Project
from lobass_core.records import BASE, REFERENCE
from lobass_core.store import browse as rows_of_store
from lobass_core.store.browse import LossPlace
from lobass_core.workflows.row_table import RowTable


@dataclass(frozen=True, slots=True)
class TokenLosses:
    """One entry a token in every tuple. `starts` and `ends` are character offsets in `text`; losses are nats.

    `response` is the mask: losses are None where it is False, and for a model whose losses are not there.
    """

    sample_id: str
    text: str
    token_ids: tuple[int, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    response: tuple[bool, ...]
    base: tuple[float | None, ...]
    reference: tuple[float | None, ...]

    def to_dict(self) -> dict:
        return asdict(self)


def read_token_losses(project: Project, rows: RowTable, sample_key: int) -> TokenLosses:
    """Read a sample's tokens and their losses from the run folders.

    Raises:
        RunError: the sample is not scored, or the files of the run that scored it are gone or do not fit together.
    """
    scoring = rows.scoring
    if scoring is None:
        raise RunError("nothing is scored yet, so no token has a loss", do="Score the data first with lobass score.")
    with project.store() as store:
        cursor = store.cursor()
        sample_id = rows_of_store.sample_id_of(cursor, sample_key)
        places = rows_of_store.loss_places(cursor, scoring, sample_key)
        runs = rows_of_store.runs_that_scored(cursor, sample_key, scoring.render_fp)
        share = sample_key / max(rows_of_store.count_stored_samples(cursor), 1)
    if not places:
        raise RunError("this sample is not scored with the chosen models", do="Score it, or choose another run.")
    tokens = _find_tokens(project.runs_dir, runs, sample_id, scoring.render_fp, share)
    response = tuple(tokens["response_mask"])
    members = [column.name for column in scoring.members] or [REFERENCE]
    read = [_read_losses(project.runs_dir, places.get(name), sample_id, scoring.render_fp) for name in members]
    return TokenLosses(
        sample_id=sample_id,
        text=tokens["text"],
        token_ids=tuple(tokens["token_ids"]),
        starts=tuple(tokens["token_starts"]),
        ends=tuple(tokens["token_ends"]),
        response=response,
        base=_spread(_read_losses(project.runs_dir, places.get(BASE), sample_id, scoring.render_fp), response),
        reference=_mean([_spread(losses, response) for losses in read]),
    )


def _find_tokens(runs_dir: Path, runs: Sequence[str], sample_id: str, render_fp: str, share: float) -> dict:
    for run_id in runs:
        for path in _nearest_first(sorted((runs_dir / run_id / "tokens").glob("*.parquet")), share):
            row = _read_one(path, sample_id, render_fp)
            if row is not None:
                return row
    raise RunError(
        "the tokens of this sample are not on disk",
        where=", ".join(str(runs_dir / run_id / "tokens") for run_id in runs),
        do="The run folder was moved or removed. To see its tokens, score the sample again in a new project.",
    )


def _nearest_first(paths: Sequence[Path], share: float) -> Iterator[Path]:
    """Files by their distance from where the sample should be: a run writes its samples in the order of their keys."""
    guess = share * len(paths)
    yield from sorted(paths, key=lambda path: abs(paths.index(path) + 0.5 - guess))


def _read_losses(runs_dir: Path, place: LossPlace | None, sample_id: str, render_fp: str) -> list[float] | None:
    if place is None:
        return None
    path = runs_dir / place.run_id / "shards" / f"{place.shard}.parquet"
    row = _read_one(path, sample_id, render_fp, model_fp=place.model_fp)
    return None if row is None else row["token_nlls"]


def _read_one(path: Path, sample_id: str, render_fp: str, model_fp: str = "") -> dict | None:
    """The row of one sample in a Parquet file, None where the file is missing or does not hold it."""
    keys = ["sample_id", "render_fp", *(["model_fp"] if model_fp else [])]
    wanted = [sample_id, render_fp, *([model_fp] if model_fp else [])]
    try:
        require_good(path)
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                columns = file.read_row_group(group, columns=keys).to_pydict()
                place = _place(zip(*(columns[key] for key in keys), strict=True), tuple(wanted))
                if place is not None:
                    return file.read_row_group(group).slice(place, 1).to_pylist()[0]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, pa.ArrowException) as error:
        raise RunError("a file of the run cannot be read", where=str(path), do=str(error).splitlines()[0]) from error
    return None


def _place(rows: Iterator[tuple], wanted: tuple) -> int | None:
    return next((place for place, row in enumerate(rows) if row == wanted), None)


def _spread(losses: Sequence[float] | None, response: Sequence[bool]) -> tuple[float | None, ...]:
    """Losses of the response tokens at the places of the mask, None elsewhere.

    response   0   0   1    1    0   1
    losses             .3   .1       .7
    spread     -   -   .3   .1   -   .7

    Raises:
        RunError: their number is not that of the mask.
    """
    if losses is None:
        return (None,) * len(response)
    if len(losses) != sum(response):
        raise RunError(
            f"{len(losses)} token losses do not match {sum(response)} response tokens", do="Score the sample again."
        )
    rest = iter(losses)
    return tuple(_finite(next(rest)) if scored else None for scored in response)


def _mean(of_each: Sequence[tuple[float | None, ...]]) -> tuple[float | None, ...]:
    """The mean loss of each token over several references, None where one has none."""
    if len(of_each) == 1:
        return of_each[0]
    return tuple(
        sum(losses) / len(losses) if None not in losses else None  # type: ignore[arg-type]
        for losses in zip(*of_each, strict=True)
    )


def _finite(value: float | None) -> float | None:
    """NaN and infinity, which no JSON holds, are no loss."""
    return value if value is not None and abs(value) < float("inf") else None
