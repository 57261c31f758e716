"""Keep, drop, clear, tag, note and undo: on one sample, or on all that match a filter.

Every act has an id of its own, so that an act sent twice is done once. Decisions are append-only and the latest wins.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import duckdb
import numpy as np

from lobass_core.errors import LobassError, RequestError
from lobass_core.project import Project
from lobass_core.records import Verdict
from lobass_core.store import browse as rows_of_store
from lobass_core.store.access import read_only_error
from lobass_core.store.bulk_acts import decide_many, tag_many
from lobass_core.store.connection import Store
from lobass_core.store.decisions import (
    DecisionAct,
    LoggedDecision,
    add_tag,
    append_decisions,
    decision_log,
    remove_tag,
    set_note,
)
from lobass_core.store.standing import standing_verdicts_of
from lobass_core.store.undo import Undone, undo_decision
from lobass_core.workflows.author import author_name
from lobass_core.workflows.browse import MatchingRows

ActKind = Literal["keep", "drop", "undecided", "tag", "untag", "note", "undo"]
VERDICTS = get_args(Verdict)
NO_SAMPLE = -1
LONGEST_TAG = 60
LONGEST_NOTE = 10_000
LONGEST_REASON = 1_000


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `text` is the reason of a verdict, the tag, the note, or the decision to undo ("": the latest).

    With `sample_keys` it is one act on several samples, a verdict or a tag: one batch, which one undo takes back.
    """

    act_id: str
    kind: ActKind
    sample_key: int = NO_SAMPLE
    text: str = ""
    sample_keys: tuple[int, ...] = ()

    @property
    def keys(self) -> tuple[int, ...]:
        """The samples that it is meant for."""
        return self.sample_keys or (self.sample_key,)

    def __post_init__(self) -> None:
        if self.kind not in get_args(ActKind):
            raise RequestError(f"unknown action {self.kind!r}", do=f"Choose from: {', '.join(get_args(ActKind))}.")
        if not self.act_id:
            raise RequestError("an action needs an id")
        if self.sample_keys and self.kind not in (*VERDICTS, "tag"):
            raise RequestError(
                f"{self.kind} works on one sample at a time", do="Use keep, drop, undecided or tag for several samples."
            )
        if self.sample_key == NO_SAMPLE and not self.sample_keys and self.kind != "undo":
            raise RequestError(f"{self.kind} needs a sample")
        if self.kind in VERDICTS:
            _check_reason(self.text)
        if self.kind in ("tag", "untag"):
            _check_tag(self.text)
        if self.kind == "note" and len(self.text) > LONGEST_NOTE:
            raise RequestError(
                f"a note of {len(self.text):,} characters is too long", do=f"The limit is {LONGEST_NOTE:,}."
            )


@dataclass(frozen=True, slots=True)
class Done:
    """What became of an act; `changed` are the verdicts that now stand on samples which an undo touched, or which an
    act that was refused did not."""

    act_id: str
    error: str = ""
    changed: tuple[tuple[int, str], ...] = ()


def apply(project: Project, acts: Sequence[Act]) -> list[Done]:
    """Do the acts in order, in one transaction: on return they are on disk. One that cannot be done says why.

    In a project that can only be read none is done, and each says so.
    """
    if not acts:
        return []
    author = author_name()
    with project.store() as store:
        if store.read_only:
            return _refused(store, acts)
        with store.transaction() as cursor:
            return [_apply(cursor, act, author) for act in acts]


def _refused(store: Store, acts: Sequence[Act]) -> list[Done]:
    """Why nothing is done in a project that can only be read, and the verdicts that stand on."""
    why = read_only_error(store.path).what
    verdicts = standing_verdicts_of(store.cursor(), [key for act in acts for key in act.keys])
    return [Done(act.act_id, why, tuple((key, verdicts[key]) for key in act.keys)) for act in acts]


def _apply(cursor: duckdb.DuckDBPyConnection, act: Act, author: str) -> Done:
    try:
        match act.kind:
            case "keep" | "drop" | "undecided" if act.sample_keys:
                decide_many(cursor, act.act_id, np.array(act.sample_keys, np.int64), act.kind, act.text, author)
            case "tag" if act.sample_keys:
                tag_many(cursor, act.act_id, np.array(act.sample_keys, np.int64), act.text.strip(), author)
            case "keep" | "drop" | "undecided":
                append_decisions(cursor, [DecisionAct(act.act_id, act.sample_key, act.kind, act.text, author=author)])
            case "tag":
                add_tag(cursor, act.act_id, act.sample_key, act.text.strip(), author)
            case "untag":
                remove_tag(cursor, act.sample_key, act.text.strip(), author)
            case "note":
                set_note(cursor, act.act_id, act.sample_key, act.text.strip(), author)
            case "undo":
                return Done(act.act_id, changed=_undo(cursor, act.text))
    except LobassError as error:
        return Done(act.act_id, error=error.what)
    return Done(act.act_id)


def _undo(cursor: duckdb.DuckDBPyConnection, decision_id: str) -> tuple[tuple[int, str], ...]:
    undone = undo_decision(cursor, decision_id)
    keys = sorted({decision.sample_key for decision in undone.decisions})
    return tuple(standing_verdicts_of(cursor, keys).items())


def decide(project: Project, sample_ids: Sequence[str], verdict: Verdict, reason: str = "") -> int:
    """Keep, drop or un-decide samples by id (or the first 6 digits of one or more); several are one batch to undo.

    Raises:
        RequestError: no such verdict, or an id that names no sample or several.
    """
    _check_verdict(verdict, reason)
    with project.store() as store:
        keys = np.array(rows_of_store.sample_keys(store.cursor(), sample_ids), np.int64)
        with store.transaction() as cursor:
            return decide_many(cursor, new_id(), keys, verdict, reason, author_name())


def decide_matching(
    project: Project, matching: MatchingRows, verdict: Verdict, reason: str = "", batch_id: str = ""
) -> int:
    """The same verdict on every sample that matches a filter, as one batch; returns the number of samples.

    Raises:
        RequestError: no such verdict, or a reason that is too long.
    """
    _check_verdict(verdict, reason)
    with project.store() as store, store.transaction() as cursor:
        return decide_many(cursor, batch_id or new_id(), sample_keys_of(matching), verdict, reason, author_name())


def tag_matching(project: Project, matching: MatchingRows, tag: str, batch_id: str = "") -> int:
    """Tag every sample that matches a filter; returns how many did not have the tag before.

    Raises:
        RequestError: the tag is empty or too long.
    """
    _check_tag(tag)
    with project.store() as store, store.transaction() as cursor:
        return tag_many(cursor, batch_id or new_id(), sample_keys_of(matching), tag.strip(), author_name())


def act_on(project: Project, sample_ids: Sequence[str], kind: ActKind, text: str) -> int:
    """Tag, untag or note samples by id; returns their number.

    Raises:
        RequestError: an id that names no sample or several, or a text that the act cannot have.
    """
    with project.store() as store:
        keys = rows_of_store.sample_keys(store.cursor(), sample_ids)
    apply(project, [Act(new_id(), kind, key, text) for key in keys])
    return len(keys)


def undo(project: Project, act_id: str = "") -> Undone:
    """Take back a decision (the latest, if none is named) with the whole batch it belongs to, or an imported file.

    Raises:
        RequestError: there is nothing to undo.
    """
    with project.store() as store, store.transaction() as cursor:
        return undo_decision(cursor, act_id)


def log(project: Project, limit: int = 200) -> list[LoggedDecision]:
    """The latest decisions, undone ones included, latest first."""
    with project.store() as store:
        return decision_log(store.cursor(), limit)


def sample_keys_of(matching: MatchingRows) -> np.ndarray:
    """int64 keys of the different samples among the matching rows."""
    return np.unique(matching.rows.table.sample_key[matching.positions])


def new_id() -> str:
    """An id for one act or batch."""
    return str(uuid.uuid4())


def _check_verdict(verdict: str, reason: str) -> None:
    if verdict not in VERDICTS:
        raise RequestError(f"unknown decision {verdict!r}", do=f"Choose from: {', '.join(VERDICTS)}.")
    _check_reason(reason)


def _check_reason(reason: str) -> None:
    if len(reason) > LONGEST_REASON:
        raise RequestError(
            f"a reason of {len(reason):,} characters is too long", do=f"The limit is {LONGEST_REASON:,}."
        )


def tag_fault(tag: str) -> str:
    """What is wrong with a tag; empty if nothing is."""
    if 0 < len(tag.strip()) <= LONGEST_TAG and not any(character < " " for character in tag):
        return ""
    return f"{tag[:LONGEST_TAG]!r} is not a valid tag"


def _check_tag(tag: str) -> None:
    if fault := tag_fault(tag):
        raise RequestError(fault, do=f"Use 1 to {LONGEST_TAG} characters on one line.")
