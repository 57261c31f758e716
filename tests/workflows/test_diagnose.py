"""A diagnosis of known losses: what is found, and what every line tells a person to do."""

import math
from dataclasses import replace

import pyarrow as pa
import pytest
import typer

from lobass_core.cli.main import app
from lobass_core.jobs.run_files import FIRST_STEPS, write_parquet
from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.store.overlaps import EvaluationFile, OverlappingSample, record_overlap
from lobass_core.store.response_steps import response_steps
from lobass_core.validation.statistics import student_95
from lobass_core.workflows import browse, decide, explore, training_effects
from lobass_core.workflows import diagnose as workflow
from lobass_core.workflows.browse_filter import BrowseFilter
from lobass_core.workflows.cut import open_cut
from lobass_core.workflows.diagnose import diagnose
from lobass_core.workflows.either_way import first_rows
from lobass_core.workflows.findings import MOSTLY_STAYS, findings
from lobass_core.workflows.headline import headline
from lobass_core.workflows.select import save
from tests.filled_project import Row, add_references, fill
from tests.fold_scores import score_in_folds

TOPICS = ("odd rows", "length", "stability", "training", "order", "self-test", "evaluation files", "cost")


def rows_of(n: int = 60) -> list[Row]:
    """Short answers gain most in chat; in mathematics the gain has nothing to do with the length."""
    chat = [Row(f"Ask {k}?", f"Reply{k} " * (3 + k) + "end", "chat", 2.0, 0.4 + k / 50) for k in range(n)]
    math = [
        Row(f"Sum {k}?", f"Step{k} on\n" * (3 + k % 7) + "end", "math", 2.0, 1 + (k * 7 % 10) / 20) for k in range(n)
    ]
    return [*chat, *math]


@pytest.fixture
def filled(project: Project):
    return fill(project, rows_of())


def by_topic(project: Project, topic: str, **asked):
    return [one for one in findings(diagnose(project, **asked)) if one.topic == topic]


def test_every_line_says_what_it_means_and_ends_in_an_action(filled):
    found = findings(diagnose(filled.project))
    assert {one.topic for one in found} >= set(TOPICS) - {"odd rows", "order"}
    commands = {command.name for command in app.registered_commands}
    click = typer.main.get_command(app)
    for one in found:
        assert one.what.endswith(".") and one.meaning.endswith(".") and one.command[0] in commands, one
        options = {option for given in click.commands[one.command[0]].params for option in given.opts}
        assert {word.partition("=")[0] for word in one.command if word.startswith("--")} <= options, one
        assert all(link.words and link.page for link in one.links)


def test_lengths_are_said_by_domain_and_lead_to_the_adjusted_measure(filled):
    report = diagnose(filled.project)
    chat, math = report.lengths
    assert chat.score_response == pytest.approx(-1) and abs(math.score_response) < 0.3
    # A step a line of the answer.
    assert math.score_steps == pytest.approx(math.score_response) and chat.score_steps is None
    bad, good = by_topic(filled.project, "length")
    assert (bad.tone, good.tone) == ("bad", "good") and "prefers short responses (-1.00)" in bad.what
    assert bad.command == ("select", "--ratio", "0.06", "--method", "length-adjusted")
    assert bad.links[0].query == {"method": "length-adjusted"}
    adjusted = SelectionSpec(method="length-adjusted")
    # Length explains all of chat: what is left of the score is the same in every row.
    assert not diagnose(filled.project, spec=adjusted).lengths[0].is_clear
    # Seven rows of 120, the shortest of chat's among them; without an effect of length they would lie anywhere.
    assert report.n_kept == sum(one.n_kept for one in report.tenths) == 7
    assert report.words == "the best 6 %"


def test_steps_are_counted_last_and_once_for_the_same_texts(filled, monkeypatch):
    counted = []
    monkeypatch.setattr(workflow, "response_steps", lambda *given: counted.append(0) or response_steps(*given))
    quick = diagnose(filled.project, steps=False)
    assert not counted and not workflow.steps_are_counted(filled.project)
    assert quick.lengths[1].score_steps is None and quick.lengths[1].score_response is not None
    whole = diagnose(filled.project)
    assert workflow.steps_are_counted(filled.project) and findings(quick) == findings(whole)
    # A decision changes what is kept, and no text.
    decide.decide(filled.project, filled.sample_ids[-1:], "keep")
    again = diagnose(filled.project)
    assert again is not whole and again.lengths == whole.lengths and len(counted) == 1


def test_the_cut_leads_to_the_rows_that_could_go_either_way(filled):
    (one,) = by_topic(filled.project, "stability", spec=SelectionSpec(value=0.5))
    (link,) = one.links
    assert "% would be kept again" in one.what and link.page == "browse"
    report = diagnose(filled.project, spec=SelectionSpec(value=0.5))
    found = browse.find(filled.project, BrowseFilter.from_query(link.query))
    # With one reference: the rows between the ends of the interval of each cut.
    scores, codes = found.rows.values("learnability")[found.positions], found.rows.table.domain_code[found.positions]
    for code, cut in enumerate(report.cuts):
        inside = scores[codes == code]
        assert len(inside) == cut.n_unsure > 0 and inside.min() >= cut.low and inside.max() <= cut.high
    assert report.either_way.n_rows == found.n_found and 0 < report.either_way.n_kept < found.n_found
    assert f"{found.n_found} rows could go either way, {report.either_way.n_kept} of them kept" in one.meaning
    distances = [abs(row.score - row.cut) for row in first_rows(filled.project, report.either_way, "r-0001", 100)]
    assert len(distances) == found.n_found and distances == sorted(distances)
    # What a person decided is settled.
    nearest = first_rows(filled.project, report.either_way, "r-0001", 1)[0].sample_id
    decide.decide(filled.project, [nearest], "keep")
    report = diagnose(filled.project, spec=SelectionSpec(value=0.5))
    assert nearest not in {row.sample_id for row in first_rows(filled.project, report.either_way, "r-0001", 100)}
    assert by_topic(filled.project, "stability", spec=SelectionSpec("learnability", "threshold", 0.3, "global")) == []


def test_rows_with_a_large_standard_error_could_go_either_way_far_from_the_cut(filled):
    rows = rows_of()
    # Three references agree on chat and, but for the first row of it, on mathematics.
    means = [row.reference for row in rows]
    seeds = {f"reference@seed-{k}": [*means[:60], means[60] + (k - 1) * 0.3, *means[61:]] for k in range(3)}
    run = add_references(filled, rows, seeds)
    spec = SelectionSpec(value=0.2)
    report = diagnose(filled.project, run, spec=spec)
    found = first_rows(filled.project, report.either_way, run, 100)
    error = 0.3 / math.sqrt(3) / 2
    (far,) = [row for row in found if row.standard_error > 0.001]
    assert far.standard_error == pytest.approx(error) and far.sample_id == filled.sample_ids[60]
    assert abs(far.score - far.cut) < student_95(2) * error and far.is_kept == (far.score >= far.cut)
    line = next(one for one in findings(report) if "would be kept again" in one.what)
    assert "another draw or another seed could put them" in line.meaning


def test_several_references_of_a_scoring_are_held_against_each_other(filled, monkeypatch):
    rows = explore.scored(filled.project)
    other = rows.table.losses["reference"].copy()
    other[:60] = other[:60][::-1]
    seeds = {"reference@seed-1": rows.table.losses["reference"], "reference@seed-2": other}
    table = replace(
        rows.table,
        losses={**rows.table.losses, **seeds, "reference@epoch-1": other, "reference@target": other}
        | {"reference@epoch-2": rows.table.losses["reference"]},
    )
    monkeypatch.setattr("lobass_core.workflows.diagnose.scored", lambda *_: replace(rows, table=table, revision="2"))
    monkeypatch.setattr("lobass_core.workflows.cut.scored", lambda *_: replace(rows, table=table, revision="2"))
    report = diagnose(filled.project, spec=SelectionSpec(value=0.2))
    assert [(one.kind, one.n_references) for one in report.references] == [("seeds", 2)] * 2 + [("epochs", 2)] * 2
    chat, math = report.references[:2]
    # Backwards in chat, the same in mathematics.
    assert (chat.share_stays, chat.n_unsure, chat.n_kept) == (0.0, 24, 12)
    assert (math.share_stays, math.n_unsure, math.standard_error_90) == (1.0, 0, 0.0)
    line, epochs = (one for one in findings(report) if "agree" in one.what)
    assert line.what == "2 references with different seeds agree on 50 % of the best 20 %."
    assert line.meaning.endswith("24 rows kept by some are dropped by others.") and "standard error" in line.meaning
    assert epochs.what == "The reference after each of 2 epochs agrees on 50 % of the best 20 %."


def test_the_order_of_the_training_is_read_beside_the_reference(filled, tmp_path):
    folder = tmp_path / "ref"
    steps = pa.table({"sample_id": filled.sample_ids, "first_step": pa.array(range(1, 121), pa.int32())})
    write_parquet(folder / FIRST_STEPS, steps)
    rows = explore.scored(filled.project)
    assert training_effects.first_steps(rows) is None
    spec = rows.scoring.spec
    model = replace(spec.references[0], path=str(folder))
    rows = replace(rows, scoring=replace(rows.scoring, spec=replace(spec, references=(model,))))
    assert training_effects.first_steps(rows).tolist() == list(range(1, 121))
    chat, math = training_effects.of_order(filled.project, rows)
    assert chat.is_clear and chat.loss_rho == pytest.approx(1) and not math.is_clear


def test_rows_of_evaluation_files_come_first_on_select_and_have_a_gate(filled):
    project = filled.project
    (one,) = by_topic(project, "evaluation files")
    assert one.command == ("overlap", "EVAL_FILE") and one.tone == "note"
    assert headline(open_cut(project, SelectionSpec())) == (
        "This cut prefers short responses in chat: Spearman \N{MINUS SIGN}1.00 with length."
    )
    hits = [OverlappingSample(filled.sample_ids[0], "/t/test.jsonl", 4, "a b c")]
    with project.store() as store, store.transaction() as cursor:
        record_overlap(cursor, [EvaluationFile("/t/test.jsonl", "ab", 9)], filled.sample_ids[:100], hits)
    found, rest = by_topic(project, "evaluation files")
    assert found.what == "1 row also appears in test.jsonl; the best 6 % keeps 1." and found.tone == "bad"
    assert found.command[-1] == "--exclude-overlap" and found.links[0].query == {"exclude-overlap": "yes"}
    assert rest.what == "20 samples were not compared." and rest.command == ("overlap", "/t/test.jsonl")
    said = headline(open_cut(project, SelectionSpec()))
    assert said == "1 row also appears in evaluation files, and no gate excludes them."
    gated = SelectionSpec(gates=replace(SelectionSpec().gates, exclude_overlap=True))
    assert "Spearman" in headline(open_cut(project, gated))
    assert "Spearman" not in headline(open_cut(project, replace(SelectionSpec(), method="length")))


def test_odd_rows_in_the_selection_have_a_gate_and_others_are_shown(project):
    known = [Row(f"Known {k}?", "yes " * 9, base=0.04, reference=0.01) for k in range(3)]
    worse = [Row(f"Worse {k}?", "no " * 9, base=1.0, reference=1.5) for k in range(3)]
    fill(project, [*known, *worse, *(Row(f"Q {k}?", f"a{k} " * 9, base=2.0, reference=1.5) for k in range(4))])
    near_zero, negative = sorted(by_topic(project, "odd rows", spec=SelectionSpec(value=0.3)), key=lambda one: one.what)
    assert near_zero.what == "near zero base: 3 rows, 3 of them in the best 30 %." and near_zero.tone == "note"
    assert near_zero.command == ("select", "--ratio", "0.3", "--exclude-near-zero-base")
    assert negative.tone == "good" and negative.command == ("browse", "--flag", "negative")
    assert negative.links[0].query == {"flag": ["negative"]}


def test_a_saved_selection_is_looked_at_by_its_name_and_its_picks(filled):
    save(filled.project, "third", SelectionSpec(value=1 / 3))
    report = diagnose(filled.project, selection="third")
    assert (report.words, report.n_kept, report.spec.value) == ("third", 40, 1 / 3)
    assert report.to_dict()["kept"] == tuple(one.share_kept for one in report.tenths)


def test_near_duplicates_have_an_advantage_where_they_score_higher(project):
    copies = [
        Row(
            f"Copy {k // 2}?",
            " ".join(f"c{k // 2}x{j}" for j in range(12)) + f" {k % 2}",
            base=2.0,
            reference=0.4 + k / 100,
        )
        for k in range(12)
    ]
    others = [
        Row(f"Own {k}?", " ".join(f"w{k}x{j}" for j in range(12)), base=2.0, reference=1.4 + k / 100) for k in range(12)
    ]
    fill(project, [*copies, *others])
    (one,) = diagnose(project).copies
    assert (one.n_copies, one.n_groups) == (12, 6) and one.low > 0.4 and not one.is_cross_fitted
    (line,) = by_topic(project, "near duplicates")
    assert "12 rows in 6 groups of near duplicates" in line.what and "--folds" in line.command
    unasked = diagnose(project, near_duplicates=False)
    assert not unasked.looked_for_copies and unasked.copies == ()


def test_in_sample_and_cross_fitted_scores_of_one_base_are_held_against_each_other(project):
    rows = [Row(f"Q {k}?", f"w{k} " * 5 + "end", "math", 2.0, 1 + k / 40) for k in range(20)]
    filled = fill(project, rows, trained_on=[row.prompt for row in rows])
    assert diagnose(project).training_known == "in-sample"
    alone = by_topic(project, "training")
    assert alone[0].tone == "note" and alone[0].links[0].query["folds"] == "5"
    score_in_folds(project, filled.sample_ids, rows, 0.1)
    for name, other in (("r-0001", "r-0002"), ("r-0002", "r-0001")):
        report = diagnose(project, name)
        (one,) = report.in_sample
        # 0.1 nats lower of 2: the score is 0.05 higher, for all alike.
        assert (one.n_rows, one.optimism_nats, one.optimism) == (20, pytest.approx(0.1), pytest.approx(0.05))
        assert (one.agreement, one.share_stays, report.other_run) == (pytest.approx(1), 1.0, other)
    assert diagnose(project, "r-0002").training_known == "cross-fitted"
    (line,) = by_topic(project, "training", run="r-0001")
    assert line.tone == "good" and "Run r-0002 has the cross-fitted scores." in line.meaning
    assert "At most that much is memory of these rows: with folds, models train on fewer rows." in line.meaning
    assert line.command == ("diagnose", "--run", "r-0002")
    # Of K folds no model saw the rows that it scores, so their order is nothing to ask for.
    assert by_topic(project, "order", run="r-0002") == []


def test_a_band_would_end_at_seven_tenths_of_the_base_losses(project: Project):
    fill(project, [Row(f"Ask {k}?", "one two three", "chat", float(k), k / 2) for k in range(1, 12)])
    assert diagnose(project).base_loss_limit == pytest.approx(8.0)


def test_near_duplicates_are_looked_for_unasked_up_to_a_number_of_rows(filled, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workflow, "MOST_ROWS_UNASKED", 120)
    assert diagnose(filled.project).looked_for_copies
    workflow._diagnoses.forget(lambda key: True)
    monkeypatch.setattr(workflow, "MOST_ROWS_UNASKED", 119)
    assert not diagnose(filled.project).looked_for_copies


@pytest.mark.parametrize(("share", "tone"), [(MOSTLY_STAYS, "good"), (0.99 * MOSTLY_STAYS, "note")])
def test_a_selection_that_mostly_stays_is_good(filled, share: float, tone: str):
    diagnosis = diagnose(filled.project, steps=False)
    cuts = (replace(diagnosis.cuts[0], share_stays=share, n_kept=1),)
    (found,) = [one for one in findings(replace(diagnosis, cuts=cuts)) if one.topic == "stability"]
    assert found.tone == tone
