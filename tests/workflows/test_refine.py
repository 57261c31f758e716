"""Near a cut the losses become those of float32, elsewhere they stay; the scoring is still one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lobass_core.errors import RequestError, StoreError
from lobass_core.learnability.measure_values import values_of
from lobass_core.project import Project
from lobass_core.specs import Gates, ImportSpec, ModelSpec, RenderSpec, ScoreSpec, SelectionSpec
from lobass_core.store.connection import release
from lobass_core.store.scorings import find_scoring, list_scorings, register_refinement
from lobass_core.workflows import select as selections
from lobass_core.workflows.cut import open_cut
from lobass_core.workflows.import_data import import_file
from lobass_core.workflows.refine import refine, rows_near_cut
from lobass_core.workflows.row_table import open_rows
from lobass_core.workflows.score import score
from lobass_core.workflows.scored import score_table
from lobass_core.workflows.token_heat import read_token_losses

pytestmark = pytest.mark.usefixtures("runs_in_this_process")

BAND = 0.004
N_ROWS = 90
# The models are random, and so as good as chance or a little worse.
ANY = Gates(exclude_worse_than_chance=False)


def scored(root: Path, models: Path, dtype: str) -> Project:
    project = Project.create(root)
    for domain, first in (("sums", 0), ("words", N_ROWS // 2)):
        rows = [
            {"instruction": f"Count to {n}.", "input": "", "output": " ".join(str(n * k) for k in range(1 + n % 7))}
            for n in range(first, first + N_ROWS // 2)
        ]
        path = root / f"{domain}.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        import_file(project, ImportSpec(path=str(path), domain=domain))
    references = (ModelSpec(str(models / "ref")),)
    score(project, ScoreSpec(ModelSpec(str(models / "base")), references, render=RenderSpec("plain"), dtype=dtype))  # type: ignore[arg-type]
    return project


def test_rows_near_the_cut_get_the_losses_of_float32(models: Path, tmp_path: Path):
    rough, exact = (scored(tmp_path / dtype, models, dtype) for dtype in ("bfloat16", "float32"))
    spec = SelectionSpec(value=0.4, gates=ANY)
    selections.save(rough, "mine", spec)
    before, cut = score_table(rough), open_cut(rough, spec)
    near = rows_near_cut(cut, BAND)
    edges = {share.domain: share.threshold for share in cut.answer.domains}
    by_hand = [
        row
        for row in range(N_ROWS)
        if abs(values_of(before, "learnability")[row] - edges[before.domains[before.domain_code[row]]]) <= BAND
    ]
    assert sorted(near.tolist()) == by_hand and 4 <= len(near) < N_ROWS

    result = refine(rough, "mine", BAND)
    assert (result.n_samples, result.n_computed, result.n_kept) == (len(near), 2 * len(near), cut.answer.n_kept)
    after, wanted = score_table(rough), score_table(exact)
    others = np.setdiff1d(np.arange(N_ROWS), near)
    for part in ("base", "reference"):
        assert np.array_equal(after.losses[part][others], before.losses[part][others])
        assert np.abs(after.losses[part][near] - wanted.losses[part][near]).max() <= 1e-6
        assert np.abs(before.losses[part][near] - wanted.losses[part][near]).max() > 1e-5
    # The losses token by token are those behind the mean, on refined rows too.
    keys = after.sample_key
    for row in (int(near[0]), int(others[0])):
        heat = read_token_losses(rough, open_rows(rough), int(keys[row]))
        for losses, means in ((heat.base, after.losses["base"]), (heat.reference, after.losses["reference"])):
            assert np.mean([loss for loss in losses if loss is not None]) == pytest.approx(means[row], abs=1e-6)
    with rough.store() as store:
        (scoring,) = list_scorings(store.cursor())
    assert (scoring.dtype, scoring.refined_by) == ("bfloat16", result.run_id)
    # What it says has changed is what saving again changes.
    saved_before = set(selections.picks(rough, "mine")["row_key"].to_pylist())
    selections.save(rough, "mine", spec, replace=True)
    assert len(set(selections.picks(rough, "mine")["row_key"].to_pylist()) - saved_before) == result.n_changed
    # Known losses are not computed again.
    assert refine(rough, "mine", BAND / 4).n_computed <= 2 * len(near)
    for project in (rough, exact):
        release(project.store_path)


def test_what_cannot_be_refined_says_why(models: Path, tmp_path: Path):
    project = scored(tmp_path / "exact", models, "float32")
    selections.save(project, "mine", SelectionSpec(value=0.4, gates=ANY))
    with pytest.raises(RequestError, match="already in float32"):
        refine(project, "mine")
    release(project.store_path)


def test_selections_and_bands_that_make_no_sense(models: Path, tmp_path: Path):
    project = scored(tmp_path / "rough", models, "bfloat16")
    selections.save(project, "mine", SelectionSpec(value=0.4, gates=ANY))
    selections.save(project, "chance", SelectionSpec(value=0.4, method="random"))
    with pytest.raises(RequestError, match="does not use losses"):
        refine(project, "chance")
    with pytest.raises(RequestError, match="is not a distance"):
        refine(project, "mine", 0.0)
    selections.save(project, "nothing", SelectionSpec(value=0.4, gates=Gates(min_response_tokens=1000)))
    with pytest.raises(RequestError, match="no row is within"):
        refine(project, "nothing")
    with project.store() as store, store.transaction() as cursor:
        scoring = find_scoring(cursor)
        with pytest.raises(StoreError, match="other tokens"):
            register_refinement(cursor, scoring, "r-0009", replace(scoring.result, render_fp="other"), tmp_path)
    release(project.store_path)
