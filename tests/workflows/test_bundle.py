"""A project as one file, and a project of it again."""

import json
import shutil
import stat
import zipfile

import pytest

from lobass_core.errors import InputFileError, LobassError, ProjectError, RequestError
from lobass_core.jobs.progress import Progress
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.project import Project
from lobass_core.specs import ModelSpec
from lobass_core.store.connection import release
from lobass_core.workflows import browse, decide
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.bundle import plan_bundle, write_bundle
from lobass_core.workflows.bundle_format import may_be_bundled
from lobass_core.workflows.project_check import check_project
from lobass_core.workflows.references import resolve_reference
from lobass_core.workflows.token_heat import read_token_losses
from lobass_core.workflows.unbundle import unbundle
from tests.filled_project import BASE, REFERENCE, RENDER, Row, fill
from tests.folder_state import folder_state
from tests.read_only import read_only
from tests.run_specs import score_result
from tests.scored_files import select_best

ROWS = [Row(f"Ask {n}", f"Answer {n} in four words", reference=1.9 - n / 10) for n in range(6)]


@pytest.fixture
def project(tmp_path):
    """Six scored rows, a selection, a decision, and a reference with weights."""
    made = Project.create(tmp_path / "mine")
    filled = fill(made, ROWS)
    run = RunFolder.open(made.runs_dir / "r-0001")
    run.write_result(score_result(BASE, REFERENCE, RENDER))
    run.write_progress(Progress(state="done", phase="done"))
    select_best(made, 2)
    decide.decide(made, filled.sample_ids[:1], "keep", "rare")
    model = made.models_dir / "ref"
    model.mkdir()
    (model / "recipe.json").write_text(
        json.dumps({"spec": {"base": {"path": "org/base"}, "name": "ref"}, "base": "org/base"})
    )
    (model / "model.safetensors").write_bytes(b"w" * 5000)
    (model / "config.json").write_text("{}")
    (made.exports_dir / "out").mkdir()
    (made.exports_dir / "out" / "rows.jsonl").write_text("{}\n")
    (made.root / "store-v1.duckdb").write_bytes(b"old")
    release(made.store_path)
    yield made
    release(made.store_path)


@pytest.fixture
def bundle(project, tmp_path):
    write_bundle(project, plan_bundle(project), tmp_path / "mine.zip")
    release(project.store_path)
    return tmp_path / "mine.zip"


def forged(bundle, tmp_path, change):
    """The bundle with other entries: `change` gets and returns a list of (ZipInfo, bytes)."""
    with zipfile.ZipFile(bundle) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    path = tmp_path / "forged.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in change(entries):
            archive.writestr(info, data)
    return path


def test_a_bundle_opens_as_the_same_project_without_weights(project, bundle, tmp_path):
    opened = unbundle(bundle, tmp_path / "theirs")
    shutil.rmtree(project.root)
    names = {name for name, state in folder_state(opened.root).items() if state != "folder"}
    assert {"store.duckdb", "models/ref/recipe.json", "runs/r-0001/spec.json"} <= names
    assert [name for name in names if "safetensors" in name or name.startswith(("exports", "store-"))] == []
    found = browse.find(opened, BrowseFilter())
    rows = browse.read_page(opened, found)
    assert [(row.stored.verdict, row.stored.reason) for row in rows if row.stored.verdict == "keep"] == [
        ("keep", "rare")
    ]
    assert read_token_losses(opened, found.rows, rows[0].stored.sample_key).base
    checks = check_project(opened)
    assert [check.detail for check in checks if check.verdict == "bad"] == []
    assert [check.detail for check in checks if check.name == "models"] == [
        "ref: recipes without weights, as in a bundle"
    ]
    release(opened.store_path)


def test_the_same_project_gives_the_same_bytes(project, bundle, tmp_path):
    again = write_bundle(project, plan_bundle(project), tmp_path / "again.zip")
    assert again.file.read_bytes() == bundle.read_bytes()
    assert again.n_files == len(zipfile.ZipFile(bundle).namelist()) - 1


def test_sizes_are_said_before_anything_is_written(project):
    plan = plan_bundle(project)
    sizes = {part.name.split(":")[0]: part.n_bytes for part in plan.parts}
    assert sizes["store"] == project.store_path.stat().st_size
    assert {part.name: part.n_bytes for part in plan.left_out} == {
        "weights": 5002,
        "exports": 3,
        "copies of the store": 3,
    }


def test_a_project_that_may_only_be_read_is_bundled(project, tmp_path):
    with read_only(project.root):
        write_bundle(project, plan_bundle(project), tmp_path / "mine.zip")
        release(project.store_path)
    opened = unbundle(tmp_path / "mine.zip", tmp_path / "theirs")
    assert len(browse.find(opened, BrowseFilter()).positions) == 6
    release(opened.store_path)


def test_a_run_that_is_at_work_is_left_out_and_named(project):
    with RunFolder.open(project.runs_dir / "r-0001").hold_lock():
        (project.runs_dir / "r-0001" / "progress.json").write_text(json.dumps({"version": 2, "state": "running"}))
        plan = plan_bundle(project)
    assert plan.running == ("r-0001",)
    assert [name for name in plan.names if "r-0001" in name] == []


def test_missing_weights_are_said_where_they_are_needed(bundle, tmp_path):
    opened = unbundle(bundle, tmp_path / "theirs")
    with pytest.raises(LobassError, match="the weights of reference 'ref' are not in this project"):
        resolve_reference(opened, "ref", ModelSpec("org/base"))


def test_what_stands_there_already_is_left_alone(project, bundle, tmp_path):
    with pytest.raises(RequestError, match="this path already exists"):
        write_bundle(project, plan_bundle(project), bundle)
    with pytest.raises(RequestError, match="cannot be inside the project"):
        write_bundle(project, plan_bundle(project), project.root / "x.zip")
    with pytest.raises(RequestError, match="this path already exists"):
        unbundle(bundle, project.root)
    (tmp_path / "empty").mkdir()
    assert unbundle(bundle, tmp_path / "empty").store_path.is_file()


def _renamed(name):
    def change(entries):
        return [*entries, (zipfile.ZipInfo(name), entries[0][1])]

    return change


def _linked(entries):
    info, _ = next(entry for entry in entries if entry[0].filename.endswith("spec.json"))
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return [(one, b"/etc/passwd" if one is info else data) for one, data in entries]


def _twice(entries):
    info, data = entries[-2]
    return [*entries, (zipfile.ZipInfo(info.filename), data)]


def _changed(entries):
    return [(info, data[:-1] + b"!" if info.filename.endswith("spec.json") else data) for info, data in entries]


def _longer(entries):
    return [(info, data + b" " if info.filename.endswith("spec.json") else data) for info, data in entries]


def _listed_anew(**values):
    def change(entries):
        return [
            (info, json.dumps(json.loads(data) | values).encode() if info.filename == "bundle.json" else data)
            for info, data in entries
        ]

    return change


def _bomb(entries):
    listed = json.loads(entries[-1][1])
    zeros = bytes(300 * sum(info.compress_size for info, _ in entries))
    listed["files"] = [
        {**one, "n_bytes": len(zeros)} if one["name"] == "store.duckdb" else one for one in listed["files"]
    ]
    return [
        (
            info,
            zeros
            if info.filename == "store.duckdb"
            else json.dumps(listed).encode()
            if info.filename == "bundle.json"
            else data,
        )
        for info, data in entries
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_renamed("../evil.txt"), "a file that does not belong in a bundle: '../evil.txt'"),
        (_renamed("/tmp/evil.txt"), "a file that does not belong in a bundle"),
        (_renamed("runs/r-0001/../../evil"), "a file that does not belong in a bundle"),
        (_renamed("models/ref/model.safetensors"), "a file that does not belong in a bundle"),
        (_renamed("runs/r-0099/spec.json"), "its files are not those that bundle.json names"),
        (_linked, "is a link, or not a regular file"),
        (_twice, "contains a file twice"),
        (_changed, "does not match its checksum"),
        (_longer, "does not have the size that bundle.json gives"),
        (_listed_anew(files=[]), "its files are not those that bundle.json names"),
        (_listed_anew(files="all"), "its bundle.json cannot be read"),
        (lambda entries: entries[:-1], "contains no bundle.json"),
        (_bomb, "more than 200 times as much"),
    ],
    ids=[
        "up", "absolute", "up-inside", "weights", "unlisted", "link", "twice", "changed", "longer", "empty-list",
        "odd-list", "no-list", "bomb",
    ],
)  # fmt: skip
def test_an_archive_that_is_made_to_do_harm_is_refused(bundle, tmp_path, monkeypatch, change, why):
    monkeypatch.setattr("lobass_core.workflows.unbundle.RATIO_FROM_BYTES", 0)
    path = forged(bundle, tmp_path, change)
    before = folder_state(tmp_path)
    with pytest.raises(InputFileError, match="the bundle cannot be opened") as error:
        unbundle(path, tmp_path / "theirs")
    assert why in error.value.what
    assert folder_state(tmp_path) == before


def test_damaged_files_and_newer_bundles_are_refused(bundle, tmp_path):
    data = bundle.read_bytes()
    for number, bad in enumerate((data[: len(data) // 2], b"PK\x03\x04 no", b"", data[:200] + b"\0" * 50 + data[250:])):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(bad)
        with pytest.raises(InputFileError):
            unbundle(path, tmp_path / "theirs")
    with pytest.raises(InputFileError, match="does not exist"):
        unbundle(tmp_path / "none.zip", tmp_path / "theirs")
    for change, why in (
        (_listed_anew(format=9), "format 9"),
        (_listed_anew(schema_version=999), "a newer version of LoBaSS"),
    ):
        with pytest.raises(ProjectError, match=why):
            unbundle(forged(bundle, tmp_path, change), tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()


def test_a_bundle_is_no_projects_folder(bundle):
    with pytest.raises(ProjectError, match="lobass unbundle"):
        Project.open(bundle)


def test_every_table_of_a_run_may_be_bundled_and_nothing_else():
    assert may_be_bundled("runs/r-0001/shards/base-0123abcd-00000.parquet.sha256")
    assert may_be_bundled("models/ref/fold-3/recipe.json") and may_be_bundled("models/ref/first_steps.parquet")
    assert may_be_bundled("models/ref/seed-12/fold-1/recipe.json") and may_be_bundled("models/ref/seed-0/folds.parquet")
    assert may_be_bundled("runs/r-0007/pairs.parquet") and may_be_bundled("runs/r-0007/folds-seed-0-epoch-2.parquet")
    assert may_be_bundled("validation/arms/0123456789abcdef.json") and may_be_bundled("validation/r-0007.md")
    assert may_be_bundled("runs/r-0007/measured.parquet") and not may_be_bundled("validation/other.md")
    for name in ("runs/r-0001/input.parquet", "runs/r-0001/CANCEL", "models/ref/fold-0/adapter_model.safetensors",
                 "models/ref/seed-0/epoch-1/model.safetensors", "models/ref/other/recipe.json",
                 "uploads/x/y.csv", "runs/r-0001/shards/.hidden.parquet", "store-v1.duckdb"):  # fmt: skip
        assert not may_be_bundled(name)
