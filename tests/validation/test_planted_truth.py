"""Cross-fitted learnability tells what can be learned from what is known and from what is chance."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lobass_core.rendering.render import Renderer
from lobass_core.rendering.templates import load_template
from lobass_core.scoring.models import load_tokenizer
from lobass_core.scoring.token_table import TokenTable
from lobass_core.similarity.folds import assign_folds
from lobass_core.similarity.near_duplicates import duplicate_groups
from lobass_core.specs import ModelSpec
from lobass_core.training.arm import ArmPlace
from lobass_core.training.arm_lab import ArmLab, ArmOrder, Watch, measured_rows
from lobass_core.validation.arm_results import ArmCache, ArmRecipe
from lobass_core.validation.arms import rows_of_arm
from lobass_core.validation.candidates import Candidates
from lobass_core.validation.planted import Swapped, swapped_rank
from tests.validation.planted import (
    KNOWN,
    LEARNABLE,
    SIZES,
    SWAPPED,
    UNLEARNABLE,
    Planted,
    auc,
    auc_lower_bound,
    planted_corpus,
    swapped_corpus,
)

pytestmark = pytest.mark.slow

N_EACH = 70
RECIPE = ArmRecipe("full", 16.0, 8e-3, 512)
SILENT = Watch(lambda _: None, lambda _: None, lambda: False)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidates, np.ndarray]:
    """Every row under the base and under a half-pool model that did not see it, with its kind."""
    folder: Path = tmp_path_factory.mktemp("planted")
    planted = planted_corpus(folder, N_EACH)
    return cross_fitted(folder, planted, RECIPE)


def cross_fitted(folder: Path, planted: Planted, recipe: ArmRecipe) -> tuple[Candidates, np.ndarray]:
    """Score each row by the base, and by a model that was trained on the half of the rows that it is not in."""
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(ModelSpec(str(planted.base)))
    renderer = Renderer(tokenizer, load_template("", tokenizer), "all", SIZES.max_position_embeddings)
    table = TokenTable.of(renderer.render(list(planted.samples)))
    place = ArmPlace(ModelSpec(str(planted.base)), torch.device("cpu"), "mkl", folder / "checkpoints")
    lab = ArmLab(place, table, "base", "render", ArmCache(folder / "kept"))
    ids = [sample.sample_id for sample in planted.samples]
    groups = duplicate_groups([f"{sample.turns[0].content} {sample.turns[-1].content}" for sample in planted.samples])
    folds = assign_folds(ids, groups, planted.kinds, 2, 0)

    def means(trained: list[str], measured: list[str]) -> dict[str, float]:
        rows = measured_rows(table, [(sample_id, "pool") for sample_id in measured])
        result = lab.do(ArmOrder(tuple(trained), rows, recipe, 1), SILENT)
        return dict(zip(sorted(measured), result.loss_sums() / np.array(rows.n_tokens), strict=True))

    base, reference = means([], ids), {}
    for fold in range(2):
        parts = [[one for one, own in zip(ids, folds, strict=True) if (own == fold) == is_own] for is_own in (0, 1)]
        reference |= means(*parts)
    rows = Candidates.of(
        ids,
        ["all"] * len(ids),
        table.n_response_tokens,
        np.array([base[one] for one in ids]),
        np.array([reference[one] for one in ids]),
    )
    kind_of = dict(zip(ids, planted.kinds, strict=True))
    return rows, np.array([kind_of[one] for one in rows.sample_ids])


def test_the_corpus_is_what_it_claims_to_be(scored):
    rows, kinds = scored
    base = {kind: rows.base_loss[kinds == kind].mean() for kind in (KNOWN, LEARNABLE, UNLEARNABLE)}
    # The base knows its grammar up to chance, and has never seen the words of the others.
    assert base[KNOWN] < 1.5 < 6 < min(base[LEARNABLE], base[UNLEARNABLE])
    # Nobody can guess a drawn word: 3.4 nats.
    assert rows.reference_loss[kinds == UNLEARNABLE].mean() > 3


def test_cross_fitted_learnability_separates_what_can_be_learned(scored):
    rows, kinds = scored
    score, learnable = rows.learnability(), kinds == LEARNABLE
    assert auc(score, learnable) > 0.97
    assert auc_lower_bound(score, learnable) > 0.97
    for other in (KNOWN, UNLEARNABLE):
        of = learnable | (kinds == other)
        assert auc_lower_bound(score[of], learnable[of]) > 0.97, other


def test_the_best_third_is_the_learnable_one_and_a_high_base_loss_is_not(scored):
    rows, kinds = scored
    best = rows_of_arm("learnability", rows, N_EACH)
    assert (kinds[best] == LEARNABLE).mean() > 0.9
    assert (kinds[rows_of_arm("base-loss", rows, N_EACH)] == LEARNABLE).mean() < 0.9
    assert (kinds[rows_of_arm("bottom", rows, N_EACH)] == LEARNABLE).sum() == 0


def test_rows_with_swapped_answers_sink_though_the_references_were_trained_on_some(tmp_path):
    rows, kinds = cross_fitted(tmp_path, swapped_corpus(tmp_path, 480, 40), ArmRecipe("full", 16.0, 8e-3, 512))
    right = kinds != SWAPPED
    score = rows.learnability()
    assert auc(score, right) > 0.95 and auc_lower_bound(score, right) > 0.9
    found = swapped_rank("learnability", "", [Swapped(score[~right], np.zeros(40), score[right])])
    assert found.sinks and found.auc == pytest.approx(auc(score, right)) and found.low > 0.9
