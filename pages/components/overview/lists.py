"""The lists under the funnel: datasets, models, latest activity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lobass_core.words import loss_words
from lobass_core.workflows.project_status import (
    ColumnStatus,
    DatasetChange,
    DatasetStatus,
    ExportStatus,
    ModelStatus,
    ProjectStatus,
    RunStatus,
    UpgradeStatus,
)
from pages.components import parts, theme
from pages.components.parts import Column
from pages.components.view import Node, el

FIRST_DATASETS = 8
N_EVENTS = 10
PLACES = {"trained here": "kept", "on disk": "kept", "hub": "hollow", "missing": "amber"}
FORMATS = {
    "huggingface": "Hugging Face",
    "llama-factory": "LLaMA-Factory",
    "axolotl": "Axolotl",
    "trl": "TRL",
    "alpaca": "Alpaca",
    "sharegpt": "ShareGPT",
    "parquet": "Parquet",
}
RUN_KINDS = {"score": "scores", "train_reference": "reference", "train_base": "base", "validate": "experiment"}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the latest: what, its name and result, when, and the page that shows more."""

    kind: str
    name: str
    result: str
    when: str
    page: str
    tone: str = ""


def upgrade(done: UpgradeStatus) -> Node:
    """What an update of the store has changed, and where the store is that was there before."""
    kept = f"A copy of the old store is in {done.copy} ({theme.byte_size(done.n_bytes)})."
    return parts.notice(
        f"This project was updated for this version of LoBaSS on {done.made_at[:10]}.",
        " ".join(done.notes),
        f"{kept} Delete the copy once everything works; this note then disappears.",
        tone="amber" if done.notes else "kept",
    )


def datasets(listed: Sequence[DatasetStatus], slots: Mapping[str, int], *, all_of_them: bool) -> Node:
    """Clicks are "dataset-N", "rejects-N" by place in `listed`, "import" and "datasets-all"."""
    shown = listed if all_of_them else listed[:FIRST_DATASETS]
    rows = [
        [
            el("span", item.name, dir="auto", title=item.path),
            _domains(item.domains, slots),
            theme.count(item.n_rows),
            theme.compact(item.n_tokens) if item.n_tokens else "–",
            parts.link(theme.count(item.n_rejected), on=f"rejects-{index}") if item.n_rejected else "0",
            _scored(item),
        ]
        for index, item in enumerate(shown)
    ]
    columns = [
        Column("Name"),
        Column("Domain", 128),
        Column("Rows", 66, numeric=True),
        Column("Tokens", 60, numeric=True),
        Column("Rejected", 66, numeric=True),
        Column("Scored", 100),
    ]
    hidden = len(listed) - len(shown)
    return el(
        "section",
        parts.heading("Datasets", str(len(listed)), link=("Import data", "import")),
        parts.table(columns, rows, on=[f"dataset-{index}" for index in range(len(shown))], label="Datasets"),
        el("div", parts.link(f"{hidden} more", on="datasets-all"), cls="more") if hidden else None,
        cls="stack",
    )


def _domains(names: Sequence[str], slots: Mapping[str, int]) -> Node:
    if not names:
        return el("span", "–", cls="muted")
    more = f" +{len(names) - 1}" if len(names) > 1 else ""
    return el("span", parts.swatch(slots.get(names[0], 0), names[0] + more), title=", ".join(names), dir="auto")


def _scored(item: DatasetStatus) -> Node:
    share = item.n_scored / item.n_rows if item.n_rows else 0.0
    # 99.96 % is not all of them.
    text = "100 %" if item.n_scored == item.n_rows else f"{min(int(share * 100), 99)} %"
    label = f"{item.n_scored:,} of {item.n_rows:,} rows scored"
    return el("div", parts.bar(share, label=label), el("span", text, cls="muted num"), cls="share", title=label)


def columns(listed: Sequence[ColumnStatus]) -> Node | None:
    """Score columns; nothing where there is none."""
    if not listed:
        return None
    rows = [
        [
            el("span", item.name, dir="auto", title=item.name),
            el("span", *parts.visible(item.unit)),
            theme.count(item.n_rows),
            "better" if item.higher_is_better else "worse",
            el("span", *parts.visible(item.source), title=item.source),
        ]
        for item in listed
    ]
    heads = [Column("Name"), Column("Unit", 90), Column("Rows", 80, numeric=True), Column("Higher is", 80),
             Column("Source", 150)]  # fmt: skip
    return el(
        "section",
        parts.heading("Score columns", str(len(listed)), link=("Import scores", "import")),
        parts.table(heads, rows, label="Score columns"),
        cls="stack",
    )


def models(listed: Sequence[ModelStatus]) -> Node:
    """Models with losses on record."""
    if not listed:
        return el(
            "section",
            parts.heading("Models", "0"),
            el("p", "Base and reference appear here once they have scored rows.", cls="muted"),
            cls="stack",
        )
    rows = [
        [
            el("span", item.name, " · LoRA" if item.adapter else None, title=item.adapter or item.path),
            parts.tag(item.part),
            theme.count(item.n_losses),
            theme.number(item.mean_nats, 2),
            parts.dot(PLACES[item.place], item.place),
        ]
        for item in listed
    ]
    columns = [
        Column("Name"),
        Column("Part", 100),
        Column("Losses", 80, numeric=True),
        Column(loss_words.NATS.capitalize(), 80, numeric=True),
        Column("Where", 118),
    ]
    return el(
        "section",
        parts.heading("Models", f"{len(listed)} · losses as {loss_words.OF_SAMPLES}"),
        parts.table(columns, rows, label="Models"),
        cls="stack",
    )


def latest(listed: Sequence[Event]) -> Node:
    """What happened last, each line leading to its page by the click "event-N"; "runs" leads to all runs."""
    rows = [
        [
            parts.tag(item.kind, item.tone),
            el("span", item.name, dir="auto", title=item.name),
            el("span", item.result, title=item.result),
            el("span", theme.ago(item.when), title=item.when),
        ]
        for item in listed
    ]
    columns = [Column("What", 88), Column("Name"), Column("Result"), Column("When", 92, numeric=True)]
    return el(
        "section",
        parts.heading("Latest activity", link=("All runs", "runs")),
        parts.table(columns, rows, on=[f"event-{index}" for index in range(len(listed))], label="Latest activity"),
        cls="stack",
    )


def events(status: ProjectStatus) -> list[Event]:
    """Exports, selections, runs, imports and changes of datasets, latest first, `N_EVENTS` of them at most."""
    listed = [_export_event(item) for item in status.exports]
    listed += [
        Event("selection", item.name, _selected(item.n_kept, item.n_gone, item.rule), item.made_at, "select")
        for item in status.selections
    ]
    listed += [
        Event(change.kind, item.name, _changed(change), change.undone_at or change.made_at, "import")
        for item in status.datasets
        for change in item.changes
    ]
    listed += [
        Event("scores", item.name, f"{item.n_rows:,} rows from {item.source}", item.made_at, "import")
        for item in status.columns
    ]
    listed += [_run_event(item) for item in status.runs if item.kind in RUN_KINDS or item.state == "damaged"]
    listed += [
        Event("import", item.name, _imported(item.n_rows, item.n_rejected), item.imported_at, "import")
        for item in status.datasets
    ]
    return sorted(listed, key=lambda event: event.when, reverse=True)[:N_EVENTS]


def _export_event(item: ExportStatus) -> Event:
    result = f"{item.n_rows:,} rows, {FORMATS.get(item.format, item.format)}"
    return Event("export", f"{item.selection} → {Path(item.folder).name}", result, item.made_at, "export")


def _selected(n_kept: int, n_gone: int, rule: str) -> str:
    return f"{n_kept:,} rows, {f'{n_gone:,} of them missing, ' if n_gone else ''}{rule}"


def _changed(change: DatasetChange) -> str:
    return f"undone: {change.what}" if change.undone_at else change.what


def _imported(n_rows: int, n_rejected: int) -> str:
    return f"{n_rows:,} rows" + (f", {n_rejected:,} rejected" if n_rejected else "")


def _run_event(run: RunStatus) -> Event:
    done = f"at {run.n_done / run.n_total:.0%}".replace("%", " %") if run.n_total else ""
    seconds = _seconds(run.started_at or run.created_at, run.finished_at)
    amount = {"score": f"{run.n_total:,} losses", "validate": "finished"}.get(run.kind, "trained")
    result, tone = {
        "done": (f"{amount} in {theme.duration(seconds)}", ""),
        "running": (f"running, {done}" if done else "running", "kept"),
        "queued": ("starting", "kept"),
        "cancelled": (f"cancelled {done}".strip(), "amber"),
        "interrupted": (f"interrupted {done}".strip(), "amber"),
        "failed": (f"failed: {run.message}" if run.message else "failed", "red"),
        "damaged": (f"damaged: {run.message}", "red"),
    }[run.state]
    kind, when = RUN_KINDS.get(run.kind, "run"), run.finished_at or run.created_at
    page = "validate" if run.kind == "validate" else "score"
    return Event(kind, run.name or run.run_id, result, when, page, tone)


def _seconds(start: str, end: str | None) -> float | None:
    began, ended = theme.parse_time(start), theme.parse_time(end or "")
    return (ended - began).total_seconds() if began and ended else None
