"""The demo project: our own sample data, a base trained on the spot, and every step up to an export."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa

from lobass_core.demo_data.sample_files import write_sample_files
from lobass_core.demo_data.sample_rows import MIXTURES, base_exchanges
from lobass_core.errors import ProjectError
from lobass_core.files.atomic_file import write_whole
from lobass_core.jobs.launch import follow, launch
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_files import write_parquet
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_list import list_runs
from lobass_core.jobs.run_specs import TrainBaseRun
from lobass_core.project import STORE_NAME, Project
from lobass_core.specs import ExportSpec, ImportSpec, ModelSpec, SelectionSpec, SmallBaseSizes, TrainReferenceSpec
from lobass_core.workflows import pretrained
from lobass_core.workflows.export import export
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.references import score_spec
from lobass_core.workflows.runs import new_run
from lobass_core.workflows.score import resume_and_finish, score
from lobass_core.workflows.select import list_selections, save
from lobass_core.workflows.train_reference import list_references, train_reference

OnProgress = Callable[[Progress], None]

SEED = 0
BASE, REFERENCE, SELECTION = "demo-base", "demo-reference", "demo"
SELECTION_RATIO = 0.167
MARKER = "demo.json"
# 0.9 million parameters that read 0.7 million tokens: about a minute on two cores, and enough for the everyday topics
# to become easy. Small steps at a high rate: a model of this size learns more from many updates than from large ones.
_BASE_TEXTS = 9500
_BASE_EPOCHS, _BASE_LEARNING_RATE, _BASE_BUDGET_TOKENS = 1.0, 4e-3, 1024
_BASE_SIZES = SmallBaseSizes(num_hidden_layers=3)
_REFERENCE_EPOCHS = 2.0
_REFERENCE_LEARNING_RATE = 2e-3
_REFERENCE_BATCH_TOKENS = 1024
# The small demo has this share of the rows and of what the base reads: enough to see each page at work.
SMALL_SHARE = 0.25
# 160 thousand tokens read in training and twice in scoring by 135 million weights, on two cores.
REAL_MINUTES = 30
# Measured on two cores.
MINUTES, SMALL_MINUTES = 3, 1


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo project holds; `was_ready`: it had been built before."""

    project: str
    n_rows: int
    n_rejected: int
    base: str
    reference: str
    run_id: str
    selection: str
    n_selected: int
    export: str
    seconds: float
    was_ready: bool = False
    real: bool = False
    small: bool = False

    def to_dict(self) -> dict:
        return asdict(self)


def demo(
    root: Path | str, on_progress: OnProgress | None = None, *, real: bool = False, small: bool = False
) -> DemoResult:
    """Build the demo project, or go on where it was interrupted; a finished one is left as it is.

    `real`: the same data under SmolLM2 and a LoRA reference of it, in place of a small base that is trained first.
    `small`: a quarter of the data, and of what the base learns from.

    Raises:
        ProjectError: the folder holds a project that is not this demo, or other files.
        LobassError: a step failed; calling again continues from there.
    """
    started = time.monotonic()
    show = on_progress or (lambda _: None)
    share = SMALL_SHARE if small else 1.0
    project = begin(root, real=real, small=small)
    marker = read_marker(project.root)
    if marker.get("run_id"):
        here = {"project": str(project.root), "export": str(project.exports_dir / SELECTION)}
        return DemoResult(**{**marker, **here, "was_ready": True})
    n_rows, n_rejected = _import(project, share, _step(show, "Sample data"))
    base = _pretrained(_step(show, "Base model")) if real else _base(project, share, _step(show, "Base model"))
    _reference(project, _reference_spec(base, real), _step(show, "Reference"))
    run_id = _score(project, base, _step(show, "Scoring"))
    n_selected = _select(project, run_id)
    exported = _export(project, _step(show, "Export"))
    result = DemoResult(
        project=str(project.root),
        n_rows=n_rows,
        n_rejected=n_rejected,
        base=pretrained.NAME if real else BASE,
        reference=REFERENCE,
        run_id=run_id,
        selection=SELECTION,
        n_selected=n_selected,
        export=str(exported),
        seconds=round(time.monotonic() - started, 1),
        real=real,
        small=small,
    )
    _write_marker(project, result.to_dict())
    return result


def read_marker(root: Path) -> dict:
    """The demo's result, or before there is one whose project this is; empty where it cannot be read."""
    try:
        return json.loads((root / MARKER).read_text(encoding="utf-8")) or {}
    except (OSError, ValueError):
        return {}


def is_ready(root: Path | str) -> bool:
    """Whether the demo in this folder is finished."""
    return bool(read_marker(Path(root).expanduser().resolve()).get("run_id"))


def n_sound_rows(small: bool) -> int:
    """How many sound rows the demo's files have."""
    return sum(mixture.scaled(SMALL_SHARE if small else 1.0).n_rows for mixture in MIXTURES.values())


def minutes(*, real: bool, small: bool) -> int:
    """About how long the build takes on this machine, by its cores; a small model gains nothing from more of them."""
    if not real:
        return SMALL_MINUTES if small else MINUTES
    cores = min(max(os.cpu_count() or 1, 1), 8)
    return max(5, round(REAL_MINUTES * (SMALL_SHARE if small else 1.0) * 2 / cores))


def begin(folder: Path | str, *, real: bool = False, small: bool = False) -> Project:
    """The demo's project, made if there is none yet.

    Raises:
        ProjectError: the folder holds a project that is not this demo, or other files.
    """
    root, kind = Path(folder).expanduser().resolve(), {"real": real, "small": small}
    if not (root / STORE_NAME).exists():
        project = Project.create(root)
        _write_marker(project, kind)
        return project
    project = Project.open(root)
    if not (root / MARKER).exists():
        raise ProjectError(
            "this project is not the demo project, and the demo would add its own data to it",
            where=str(root),
            do="Use another folder: lobass demo FOLDER.",
        )
    made = {option: bool(read_marker(root).get(option)) for option in kind}
    if made != kind:
        options = " ".join(f"--{option}" for option, on in made.items() if on) or "neither --real nor --small"
        raise ProjectError(
            f"this demo project was made with {options}",
            where=str(root),
            do="Use another folder, or the same options as before.",
        )
    return project


def _write_marker(project: Project, document: dict) -> None:
    """The demo's result once there is one; until then the file only says whose project this is."""
    write_whole(project.root / MARKER, json.dumps(document, indent=1))


def _step(show: OnProgress, name: str) -> OnProgress:
    return lambda progress: show(replace(progress, phase=f"{name}: {progress.phase}"))


def _import(project: Project, share: float, show: OnProgress) -> tuple[int, int]:
    n_rows = n_rejected = 0
    for file in write_sample_files(project.root / "sample_data", SEED, share):
        show(Progress(state="running", phase=f"importing {file.path.name}"))
        result = import_file(project, ImportSpec(path=str(file.path), domain=file.domain))
        n_rows, n_rejected = n_rows + file.n_rows, n_rejected + result.n_rejected
    return n_rows, n_rejected


def _base(project: Project, share: float, show: OnProgress) -> ModelSpec:
    """The demo's base model, trained now if it is not there."""
    folder = project.models_dir / BASE
    _wait_for(project, "train_base", show)
    if not (folder / "recipe.json").is_file():
        texts = project.root / "sample_data" / "base_texts.parquet"
        exchanges = base_exchanges(round(_BASE_TEXTS * share), SEED)
        columns = {"prompt": [item.prompt for item in exchanges], "response": [item.response for item in exchanges]}
        write_parquet(texts, pa.table(columns))
        spec = TrainBaseRun(
            str(texts),
            str(folder),
            BASE,
            _BASE_SIZES,
            SEED,
            _BASE_EPOCHS,
            _BASE_LEARNING_RATE,
            _BASE_BUDGET_TOKENS,
        )
        run = _stopped(project, "train_base")
        if run is None:
            with project.store() as store:
                run = new_run(project, store, "train_base", spec)
        launch(run)
        follow(run, show)
    return ModelSpec(str(folder))


def _pretrained(show: OnProgress) -> ModelSpec:
    """SmolLM2 out of the cache of this machine."""
    if not pretrained.smollm2_path().is_file():
        show(Progress(state="running", phase=f"downloading {pretrained.NAME}, {pretrained.MEGABYTES} MB"))
    return ModelSpec(str(pretrained.fetch_smollm2()))


def _reference_spec(base: ModelSpec, real: bool) -> TrainReferenceSpec:
    if real:
        return TrainReferenceSpec(base=base, name=REFERENCE, method="lora", seed=SEED)
    return TrainReferenceSpec(
        base=base,
        name=REFERENCE,
        epochs=_REFERENCE_EPOCHS,
        learning_rate=_REFERENCE_LEARNING_RATE,
        seed=SEED,
        batch_tokens=_REFERENCE_BATCH_TOKENS,
    )


def _reference(project: Project, spec: TrainReferenceSpec, show: OnProgress) -> None:
    _wait_for(project, "train_reference", show)
    if REFERENCE not in [reference.name for reference in list_references(project)]:
        train_reference(project, spec, show)


def _score(project: Project, base: ModelSpec, show: OnProgress) -> str:
    """Score with the demo's reference; an interrupted run is resumed, and known losses cost nothing."""
    _wait_for(project, "score", show)
    stopped = _stopped(project, "score")
    if stopped:
        return resume_and_finish(project, stopped.run_id, show).run_id
    return score(project, score_spec(project, base=base.path, reference=REFERENCE), show).run_id


def _wait_for(project: Project, kind: str, show: OnProgress) -> None:
    """Workers outlive whoever started them: let one that still runs come to its end."""
    for run in _runs(project, kind):
        if run.state() == "running":
            follow(run, show)


def _stopped(project: Project, kind: str) -> RunFolder | None:
    return next((run for run in reversed(_runs(project, kind)) if run.state() not in ("running", "done")), None)


def _runs(project: Project, kind: str) -> list[RunFolder]:
    return [run for run in list_runs(project.runs_dir) if run.kind == kind]


def _select(project: Project, run_id: str) -> int:
    spec = SelectionSpec(value=SELECTION_RATIO)
    known = {selection.name for selection in list_selections(project)}
    return save(project, SELECTION, spec, run_id, replace=SELECTION in known).n_kept


def _export(project: Project, show: OnProgress) -> Path:
    folder = project.exports_dir / SELECTION
    if not (folder / "manifest.json").is_file():
        show(Progress(state="running", phase="writing messages"))
        export(project, ExportSpec(selection=SELECTION, to=str(folder), format="messages"))
    return folder
