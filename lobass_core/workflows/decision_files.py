"""Export decisions, tags and notes with their authors and times to a file, and import them."""

import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from lobass_core.errors import RequestError
from lobass_core.formats.read_files import file_sha256
from lobass_core.project import Project
from lobass_core.store.decision_imports import DecisionImport, add_import, list_imports
from lobass_core.store.sample_matches import Named, match_samples
from lobass_core.store.standing import (
    SamplePlace,
    Standing,
    anything_stands,
    places_of,
    removed_tags_of,
    standing_decisions_of,
    standing_notes_of,
    standing_tags_of,
)
from lobass_core.words.clock import utc_now
from lobass_core.workflows.author import author_name
from lobass_core.workflows.decision_lines import (
    BadLine,
    DecisionLine,
    read_lines,
    write_csv,
    write_jsonl,
    write_lines,
)
from lobass_core.workflows.decision_merge import KINDS, Conflict, Counted, Merged, Rule, Standings, check_rule, merge
from lobass_core.workflows.outputs import noted


@dataclass(frozen=True, slots=True)
class ImportedDecisions:
    """What an import of decisions did, or would do.

    Every line is in exactly one of `n_by_id`, `n_by_row`, `unmatched`, `bad` and `n_blank`. `n_outdated` decisions and
    notes stand in the file twice for one sample, and a newer line counted. `ids` are those of the samples in conflict.
    """

    file: str
    on_conflict: Rule
    is_dry_run: bool
    n_lines: int
    n_by_id: int
    n_by_row: int
    n_blank: int
    n_outdated: int
    bad: tuple[BadLine, ...]
    unmatched: tuple[BadLine, ...]
    decisions: Counted
    tags: Counted
    notes: Counted
    conflicts: tuple[Conflict, ...]
    ids: dict[int, str]
    ignored_columns: tuple[str, ...]

    @property
    def n_added(self) -> int:
        """Decisions, tags and notes that were written."""
        return sum(one.n_new + one.n_theirs for one in (self.decisions, self.tags, self.notes))

    def to_dict(self) -> dict:
        return {
            "file": self.file,
            "on_conflict": self.on_conflict,
            "dry_run": self.is_dry_run,
            "n_lines": self.n_lines,
            "n_by_id": self.n_by_id,
            "n_by_row": self.n_by_row,
            "n_unmatched": len(self.unmatched),
            "n_bad": len(self.bad),
            "n_blank": self.n_blank,
            "n_outdated": self.n_outdated,
            "decisions": self.decisions.to_dict(),
            "tags": self.tags.to_dict(),
            "notes": self.notes.to_dict(),
            "n_conflicts": len(self.conflicts),
            "ignored_columns": list(self.ignored_columns),
            "bad": [line.to_dict() for line in self.bad],
            "unmatched": [line.to_dict() for line in self.unmatched],
            "conflicts": [
                {
                    "line": one.line,
                    "sample_id": self.ids.get(one.sample_key, ""),
                    "kind": one.kind,
                    "mine": one.mine.words,
                    "mine_author": one.mine.author,
                    "mine_made_at": one.mine.made_at,
                    "theirs": one.theirs.words,
                    "theirs_author": one.theirs.author,
                    "theirs_made_at": one.theirs.made_at,
                    "taken": one.taken,
                }
                for one in self.conflicts
            ],
        }


def standing_lines(project: Project) -> list[DecisionLine]:
    """Everything that stands, one line for what one author did to one sample at one time, in the order of the rows.

    Tags that were taken off and notes that were emptied have lines too, with who did that and when.
    """
    with project.store() as store:
        cursor = store.cursor()
        decisions, tags, notes = standing_decisions_of(cursor), standing_tags_of(cursor), standing_notes_of(cursor)
        removed = removed_tags_of(cursor)
        places = places_of(cursor, [one.sample_key for one in (*decisions, *tags, *notes, *removed)])
    return _lines(decisions, tags, notes, removed, {place.sample_key: place for place in places})


def export_decisions(project: Project, path: Path) -> int:
    """Write everything that stands as CSV or JSON lines, by the ending; returns the number of lines.

    Raises:
        RequestError: there is nothing yet, the ending is neither, or the file cannot be written.
    """
    project.require_outside(path)
    lines = standing_lines(project)
    if not lines:
        raise RequestError(
            "the project has no decisions, tags or notes yet", do="Add some with lobass decide or on the Browse page."
        )
    with noted(project, path):
        return write_lines(path, lines)


def decisions_file(project: Project, ending: str) -> bytes:
    """The same as the content of a file, "csv" or "jsonl"."""
    text = io.StringIO(newline="")
    (write_csv if ending == "csv" else write_jsonl)(text, standing_lines(project))
    return text.getvalue().encode("utf-8")


def has_decisions(project: Project) -> bool:
    """Whether there is anything to write."""
    with project.store() as store:
        return anything_stands(store.cursor())


def import_decisions(
    project: Project, path: Path, on_conflict: str = "newest", *, dry_run: bool = False, name: str = ""
) -> ImportedDecisions:
    """Add the decisions, tags and notes of a file to the project, in one transaction; a dry run writes nothing.

    `name` is what the log calls the file, its own name by default.

    Raises:
        InputFileError: the file cannot be read, or is empty.
        RequestError: there is no such rule, or the file holds other columns.
        ReadOnlyError: the project can only be read.
    """
    check_rule(on_conflict)
    rule: Rule = on_conflict  # type: ignore[assignment]
    ignored: set[str] = set()
    read = list(read_lines(path, ignored))
    logged = DecisionImport(
        str(uuid.uuid4()), name or path.name, file_sha256(path), rule, 0, 0, 0, utc_now(), author_name(), None
    )
    with project.store() as store:
        if dry_run:
            return _merged(store.cursor(), read, rule, logged, ignored, is_dry_run=True)[0]
        with store.transaction() as cursor:
            result, merged = _merged(cursor, read, rule, logged, ignored, is_dry_run=False)
            if result.n_added:
                add_import(cursor, logged, merged.decisions, merged.tags, merged.notes, merged.removed_tags)
    return result


def imports(project: Project) -> list[DecisionImport]:
    """The files that were imported, latest first."""
    with project.store() as store:
        return list_imports(store.cursor())


def _merged(
    cursor: duckdb.DuckDBPyConnection,
    read: list[DecisionLine | BadLine],
    rule: Rule,
    logged: DecisionImport,
    ignored: set[str],
    *,
    is_dry_run: bool,
) -> tuple[ImportedDecisions, Merged]:
    lines = [line for line in read if isinstance(line, DecisionLine) and not line.is_blank]
    matches = match_samples(cursor, [Named(line.sample_id, line.dataset, line.row_index) for line in lines])
    matched = [(line, match) for line, match in zip(lines, matches, strict=True) if match is not None]
    keys = [match.sample_key for _, match in matched]
    standing = Standings(
        standing_decisions_of(cursor, keys),
        standing_tags_of(cursor, keys),
        standing_notes_of(cursor, keys),
        removed_tags_of(cursor, keys),
    )
    merged = merge([(line, match.sample_key) for line, match in matched], standing, rule, logged.made_at)
    in_conflict = places_of(cursor, [one.sample_key for one in merged.conflicts])
    bad = tuple(line for line in read if isinstance(line, BadLine))
    result = ImportedDecisions(
        file=logged.file,
        on_conflict=rule,
        is_dry_run=is_dry_run,
        n_lines=len(read),
        n_by_id=sum(match.by_id for _, match in matched),
        n_by_row=sum(not match.by_id for _, match in matched),
        n_blank=len(read) - len(bad) - len(lines),
        n_outdated=merged.n_outdated,
        bad=bad,
        unmatched=tuple(
            BadLine(line.line, f"no such sample in the project: {line.names}")
            for line, match in zip(lines, matches, strict=True)
            if match is None
        ),
        **{f"{kind}s": merged.counted[kind] for kind in KINDS},
        conflicts=tuple(merged.conflicts),
        ids={place.sample_key: place.sample_id for place in in_conflict},
        ignored_columns=tuple(sorted(ignored)),
    )
    return result, merged


def _lines(
    decisions: list[Standing],
    tags: list[Standing],
    notes: list[Standing],
    removed: list[Standing],
    places: dict[int, SamplePlace],
) -> list[DecisionLine]:
    together: dict[tuple[int, str, str], dict] = {}

    def of(one: Standing) -> dict:
        return together.setdefault((one.sample_key, one.made_at, one.author), {"tags": [], "removed": []})

    for one in decisions:
        of(one).update(decision=one.text, reason=one.reason)
    for one in tags:
        of(one)["tags"].append(one.text)
    for one in notes:
        of(one).update(note=one.text, removed_note=not one.text)
    for one in removed:
        of(one)["removed"].append(one.text)

    def order(item: tuple[tuple[int, str, str], dict]) -> tuple:
        (key, made_at, author), _ = item
        place = places[key]
        return not place.dataset, place.dataset, place.row_index, place.sample_id, made_at, author

    return list(_written(sorted(together.items(), key=order), places))


def _written(items: list[tuple[tuple[int, str, str], dict]], places: dict[int, SamplePlace]) -> Iterator[DecisionLine]:
    for number, ((key, made_at, author), said) in enumerate(items, 1):
        place = places[key]
        yield DecisionLine(
            number,
            place.dataset,
            place.row_index,
            place.sample_id,
            said.get("decision", ""),
            said.get("reason", ""),
            tuple(said["tags"]),
            said.get("note", ""),
            author,
            made_at,
            tuple(said["removed"]),
            said.get("removed_note", False),
        )
