"""Paths into a project that has moved."""

from pathlib import Path

from lobass_core.jobs.former_places import at_home, former_places, keep_place
from lobass_core.jobs.run_folder import RunFolder
from lobass_core.jobs.run_specs import TrainReferenceRun
from lobass_core.specs import ModelSpec, TrainReferenceSpec


def moved(tmp_path: Path) -> tuple[Path, Path]:
    """A project's folder and where it lies now, with a list of its places."""
    old, new = tmp_path / "old" / "p", tmp_path / "new"
    (old / "runs").mkdir(parents=True)
    keep_place(old)
    old.rename(new)
    return old, new


def test_paths_into_the_former_place_lead_to_the_present_one(tmp_path):
    old, new = moved(tmp_path)
    value = {"path": f"{old}/models/ref", "more": [str(old), f"{old}-2/x", "/elsewhere", "org/base", 3, None]}
    assert at_home(value, new) == {
        "path": f"{new}/models/ref",
        "more": [str(new), f"{old}-2/x", "/elsewhere", "org/base", 3, None],
    }


def test_each_place_is_kept_once_and_the_longest_counts_first(tmp_path):
    old, new = moved(tmp_path)
    keep_place(new)
    new.rename(old)
    assert former_places(old) == (str(new),)
    keep_place(old)
    keep_place(old)
    inner = old.rename(tmp_path / "again")
    assert sorted(former_places(inner)) == sorted([str(new), str(old)])
    assert at_home(f"{new}/x", inner) == f"{inner}/x"


def test_a_path_that_is_right_already_stays_where_the_project_moved_into_its_former_place(tmp_path):
    outer = tmp_path / "p"
    (outer / "runs").mkdir(parents=True)
    keep_place(outer)
    held = outer.rename(tmp_path / "held")
    outer.mkdir()
    inner = held.rename(outer / "inner")
    assert at_home(f"{inner}/models/ref", inner) == f"{inner}/models/ref"


def test_a_damaged_list_is_none(tmp_path):
    (tmp_path / "runs").mkdir()
    for text in ("", "{", '{"a": 1}', "[1]", '["/"]'):
        (tmp_path / "runs" / ".places").write_text(text)
        assert former_places(tmp_path) == ()


def test_a_training_that_moved_goes_on_where_it_is_now(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    (old / "runs").mkdir(parents=True)
    keep_place(old)
    asked = TrainReferenceRun(TrainReferenceSpec(base=ModelSpec(f"{old}/models/base"), name="ref"), f"{old}/models/ref")
    run = RunFolder.create(old / "runs", "train_reference", asked)
    old.rename(new)
    spec = RunFolder.open(new / "runs" / run.run_id).spec
    assert (spec.output_dir, spec.reference.base.path) == (f"{new}/models/ref", f"{new}/models/base")
