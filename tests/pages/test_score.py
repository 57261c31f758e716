"""The Score page: pickers, the look before, runs that go, stop and are done."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lobass_core.errors import ModelError
from lobass_core.jobs import remote_code
from lobass_core.jobs.progress import ErrorNote, ModelProgress, Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_results import (
    ChanceCheck,
    DomainChance,
    LengthHistogram,
    ModelForecast,
    PreflightResult,
    PreviewRow,
    PreviewToken,
)
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, ScoreSpec
from lobass_core.store.connection import release
from lobass_core.words.clock import utc_now
from lobass_core.workflows import preflight, score
from lobass_core.workflows.collect import collect
from lobass_core.workflows.run_views import run_view
from pages.components import errors
from pages.components.scoring.opening import SHOWN
from tests.damaged_runs import a_folder, cut_off, finished_run, in_latin_1
from tests.pages.conftest import OpenPage, view_text
from tests.pages.projects import HOSTILE, add_scores, finished_scores, imported_project, scored_project
from tests.run_specs import empty_input

SPEC = ScoreSpec(ModelSpec("models/base-7b"), (ModelSpec("models/ref"),), reference_name="ref")
RESULT = PreflightResult(
    n_samples=420,
    n_looked_at=420,
    models=(
        ModelForecast("b", "base-7b", part="base", n_known=280, n_carried=20, n_to_do=120),
        ModelForecast("r", "ref", part="reference", adapter="ref", n_to_do=420),
    ),
    render_fp="rendering",
    template="alpaca",
    template_source="built in",
    template_reason="the tokenizer has no chat template",
    mask_rule="all",
    max_tokens=512,
    dtype="float32",
    device="cpu",
    n_truncated=14,
    n_no_response=2,
    n_dropped_response_tokens=250,
    n_response_tokens=9750,
    mean_tokens=123.0,
    length_histogram=LengthHistogram((0.0, 256.0, 512.0, 768.0), (300, 106, 14)),
    tokens_per_second=6787.0,
    forecast_seconds=75.4,
    vocabulary="the same vocabulary",
    warnings=(),
    preview=(
        PreviewRow(
            sample_id="ab" * 32,
            domain="math",
            text=f"<s>{HOSTILE[:20]} 4</s>",
            tokens=(
                PreviewToken(0, 3, 1, False),
                PreviewToken(3, 24, 7, False),
                PreviewToken(24, 25, 8, True),
                PreviewToken(25, 29, 2, True),
            ),
            status="ok",
        ),
    ),
    chance=ChanceCheck(64, 12, (DomainChance("math", 32, 0), DomainChance("zh", 32, 12))),
    n_unseen=37,
)


def run_in(project: Project, state: str, **progress: object) -> RunFolder:
    """A scoring run in a given state, without a worker."""
    run = RunFolder.create(project.runs_dir, "score", SPEC, empty_input)
    run.write_progress(replace(Progress(state=state, n_done=268, n_total=840, started_at=utc_now()), **progress))
    pq.write_table(pa.table({"sample_id": ["0" * 64] * 200}), run.known_path)
    return run


@pytest.fixture
def imported(tmp_path: Path):
    project = imported_project(tmp_path / "project", {"conversation": 300, "math": 120})
    yield project
    release(project.store_path)


def test_empty_project_offers_import(project: Project, open_page: OpenPage) -> None:
    app = open_page(project.root, "score")
    assert "Nothing to score yet" in view_text(app)
    assert app.button(key="empty-action").label == "Import data"


def test_models_are_to_be_chosen_first(imported: Project, open_page: OpenPage) -> None:
    app = open_page(imported.root, "score")
    assert not app.exception
    assert "Choose two models" in view_text(app)
    assert app.button(key="score.start").disabled


def test_the_look_says_what_is_cached_cut_and_read(
    imported: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "start", lambda *_: "r-0001")
    monkeypatch.setattr(preflight, "poll", lambda *_: RESULT)
    app = open_page(imported.root, "score", state={"score.base": "base", "score.reference": "ref"})
    assert not app.exception
    text = view_text(app)
    # 120 + 420 losses to do, 280 known; 14 of 420 cut; 250 of 10,000 response tokens lost.
    assert "540 losses" in text and "280 losses" in text and "20 more carried over" in text
    assert "280 cached ·" in text and "20 carried over ·" in text
    assert "1 min 15 s" in text and "at 6,787 tokens/s, measured now" in text
    assert "3.3 %, 2.5 % of the response tokens" in text
    assert "404 fit completely" in text
    assert "12 of 64 sampled rows are worse than chance" in text
    assert "37 are not in the reference's training data" in text
    assert "scored: 2 tokens" in text
    # The sample's markup stands there as text.
    assert HOSTILE[:20] in text
    assert app.button(key="score.start").label == "Score, 540 losses"


def test_a_model_that_cannot_be_used_is_said_so(
    imported: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ModelError("the folder contains no weights", where="base", do="Choose another folder.")

    monkeypatch.setattr(preflight, "start", lambda *_: "r-0001")
    monkeypatch.setattr(preflight, "poll", refuse)
    app = open_page(imported.root, "score", state={"score.base": "base", "score.reference": "ref"})
    assert not app.exception
    assert app.error[0].title == "The folder contains no weights\\."
    assert "Choose another folder" in app.error[0].value


def test_a_running_run_is_shown_with_its_numbers(imported: Project, open_page: OpenPage) -> None:
    models = (ModelProgress("base-7b", "base", 268, 420), ModelProgress("ref", "reference", 0, 420))
    run = run_in(
        imported,
        "running",
        models=models,
        n_carried=100,
        samples_per_second=43.5,
        tokens_per_second=15152.0,
        seconds_left=377.0,
        padding_share=0.006,
        peak_bytes=14_600_000_000,
        memory_total_bytes=78_000_000_000,
        device="H100",
    )
    with run.hold_lock():
        app = open_page(imported.root, "score")
        text = view_text(app)
    assert not app.exception
    for shown in (
        "31.9 %",
        "268 of 840 losses, 100 carried over from earlier runs",
        "6 min 17 s",
        "43.5 /s",
        "15,152 /s",
        "padding 0.6 %",
        "14.6 GB of 78.0 GB",
    ):
        assert shown in text
    assert "63.8 %" in text and "268 of 420" in text
    assert "You can close this tab." in text
    assert app.code[0].value == f"lobass cancel {run.run_id} --project {imported.root}"


def test_cancel_asks_the_worker_to_stop(imported: Project, open_page: OpenPage) -> None:
    run = run_in(imported, "running")
    with run.hold_lock():
        app = open_page(imported.root, "score")
        app.button(key="score.cancel-yes").click().run()
        assert run.cancel_requested()


def test_a_failed_run_says_why_and_what_resume_does(
    imported: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    resumed: list[str] = []
    monkeypatch.setattr(score, "resume", lambda _, run_id: resumed.append(run_id))
    error = ErrorNote("the worker ran out of memory", "batch of 16,384 tokens", "Resume halves the batch.")
    run = run_in(imported, "failed", error=error)
    app = open_page(imported.root, "score")
    text = view_text(app)
    assert "Scoring stopped at 32 %" in text
    assert "The worker ran out of memory." in text
    # Progress had come to 268, but the shard that it was at is not finished.
    assert "200 of 840 losses are saved. 68 losses of an unfinished part will be computed again." in text
    assert "Resume halves the batch." in text
    app.button(key="score.resume").click().run()
    assert resumed == [run.run_id]


def test_a_killed_worker_is_interrupted(imported: Project, open_page: OpenPage) -> None:
    run_in(imported, "running")
    app = open_page(imported.root, "score")
    assert "The worker stopped without reporting an error." in view_text(app)
    assert app.button(key="score.resume").label == "Resume, 640 losses to do"


def test_losses_of_a_run_that_ended_unwatched_are_ingested(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "project", {"math": 8})
    finished_scores(project, reference_name="second", reference_fp="4ef0000000000002")
    app = open_page(project.root, "score")
    assert app.session_state[errors.SAID] == {"Added 8 losses computed by run r-0002."}
    text = view_text(app)
    assert "Scored 8 samples" in text
    assert "base-7b → second" in text
    assert collect(project).n_new == 0
    release(project.store_path)


def test_select_opens_with_the_scores_of_the_run(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "project", {"math": 8})
    add_scores(project, reference_name="second", reference_fp="4ef0000000000002")
    app = open_page(project.root, "score", state={"run": "r-0001"})
    app.button(key="score.go-select").click().run()
    assert not app.exception
    assert (app.session_state["run"], app.query_params["run"]) == ("r-0002", "r-0002")
    release(project.store_path)


def test_a_run_of_another_project_is_a_line_and_no_headline(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "project", {"math": 8})
    (tmp_path / "elsewhere").mkdir()
    other = scored_project(tmp_path / "elsewhere" / "project", {"math": 8})
    shutil.copytree(other.runs_dir / "r-0001", project.runs_dir / "r-0009")
    app = open_page(project.root, "score")
    assert "run r-0009 was copied from another project" in view_text(app)
    assert "Run r-0009" not in view_text(app)
    app = open_page(project.root, "score", state={SHOWN: "r-0009"})
    assert "Run r-0009 belongs to another project" in view_text(app)
    assert [button.key for button in app.button if button.key == "score.resume"] == []
    for one in (project, other):
        release(one.store_path)


def test_new_imports_ask_for_a_new_run(tmp_path: Path, open_page: OpenPage) -> None:
    project = scored_project(tmp_path / "project", {"math": 8})
    from lobass_core.specs import ImportSpec
    from lobass_core.workflows.import_data import import_file
    from tests.pages.projects import write_rows

    path = write_rows(tmp_path / "more.json", 5, "code")
    import_file(project, ImportSpec(path=str(path), domain="code", format="alpaca"))
    app = open_page(project.root, "score", state={"score.base": "", "score.reference": ""})
    assert "Scored 8 samples" not in view_text(app)
    assert "Past runs" in view_text(app)
    assert run_view(project, "r-0001").settings == "2,048 tok · float32 · alpaca · cpu"
    release(project.store_path)


def test_training_form_makes_a_spec(imported: Project, open_page: OpenPage) -> None:
    state = {"score.base": "models/base-7b", "score.how": "Train a reference"}
    app = open_page(imported.root, "score", state=state)
    assert not app.exception
    app.text_input(key="score.train-folds.typed").set_value("4").run()
    assert app.button(key="score.train").label == "Train on 420 rows"
    command = app.code[0].value
    assert "lobass train-reference" in command and "--folds 4" in command and "--name base-7b-ref" in command


@pytest.mark.parametrize(
    ("file", "damage", "says"),
    [
        ("spec.json", cut_off, "is incomplete or not JSON"),
        ("progress.json", in_latin_1, "is not UTF-8 text"),
        ("result.json", a_folder, "is a folder"),
    ],
)
def test_a_damaged_run_has_a_line_that_says_so(
    scored: Project, open_page: OpenPage, file: str, damage: Callable[[Path], None], says: str
) -> None:
    run = finished_run(scored.runs_dir)
    damage(run.path / file)
    app = open_page(scored.root, "score")
    assert not app.exception
    assert f"{file} of run r-0002 {says}" in view_text(app)
    app = open_page(scored.root, "score", state={SHOWN: "r-0002"})
    assert not app.exception
    assert "Run r-0002 has a damaged file" in view_text(app)
    assert any(button.key == "score.resume" for button in app.button) == (file != "spec.json")


def test_a_models_own_code_is_for_the_command_line(
    imported: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = replace(SPEC, base=replace(SPEC.base, trust_remote_code=True))
    run = RunFolder.create(imported.runs_dir, "score", trusting, empty_input)
    run.write_progress(Progress(state="failed", n_done=268, n_total=840, started_at=utc_now()))
    monkeypatch.setattr(remote_code, "_ruled_out", True)
    app = open_page(imported.root, "score", state={SHOWN: run.run_id})
    app.button(key="score.resume").click().run()
    assert "only from the command line" in app.error[0].proto.title.replace("\\", "")
    assert run.state() == "failed" and run.run_id == "r-0001"
    # Neither the page nor a session of an earlier version has a switch for it.
    asked: list[ScoreSpec] = []
    monkeypatch.setattr(preflight, "start", lambda _, spec: asked.append(spec) or "r-0002")
    app = open_page(
        imported.root, "score",
        state={SHOWN: "new", "score.base": "org/base", "score.reference": "org/ref", "score.trust": True},
    )  # fmt: skip
    assert [model.trust_remote_code for model in (asked[0].base, *asked[0].references)] == [False, False]
    assert not any("code" in toggle.label for toggle in app.toggle)
    assert "--trust-remote-code" in " ".join(caption.value for caption in app.caption)
