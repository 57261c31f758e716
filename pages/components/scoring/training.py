"""The form that trains a reference on the data or on a target: full or LoRA, one model, folds, or several seeds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, RenderSpec, TrainReferenceSpec
from lobass_core.specs.runs import MOST_SEEDS
from lobass_core.words.plural import plural
from lobass_core.workflows import costs, model_paths, train_reference
from pages.components import number_field, parts, server_paths, state, theme, view
from pages.components.scoring import cost_view, settings
from pages.components.view import el

NAME, METHOD, FOLDS, EPOCHS = "score.train-name", "score.train-method", "score.train-folds", "score.train-epochs"
RATE, SEED, RANK = "score.train-rate", "score.train-seed", "score.train-rank"
SEEDS, KEEP_EPOCHS, TRAINED_ON = "score.train-seeds", "score.train-keep-epochs", "score.train-on"
METHODS = {"full": "All weights", "lora": "LoRA adapter"}


@dataclass(frozen=True, slots=True)
class TrainingForm:
    """What the form makes: a spec, or why there is none; and how much the reference is trained on, if known."""

    spec: TrainReferenceSpec | None
    error: LobassError | None
    trained_on: str


def form(project: Project, base: str, n_rows: int) -> TrainingForm:
    """Draw the form, and return what it asks for."""
    left, right = st.columns([11, 13], gap="medium")
    with left:
        view.show(parts.heading("Train a reference", "the base, fine-tuned on this data"), key="score-train-title")
        _fields(state.outline(project).datasets)
    spec, cost, wrong = _try_spec(project, base)
    with right:
        if spec is not None and cost is not None:
            cost_view.show_choices(spec, cost, FOLDS, SEEDS)
        view.show(_explanation(n_rows), key="score-train-why", label="What this does")
    return TrainingForm(spec, wrong, _trained_on(project, spec, n_rows))


def _trained_on(project: Project, spec: TrainReferenceSpec | None, n_rows: int) -> str:
    if spec is not None and spec.target:
        return plural(costs.n_target_samples(project, spec.target), "sample")
    return "" if st.session_state.get(TRAINED_ON) else plural(n_rows, "row")


def _try_spec(project: Project, base: str) -> tuple[TrainReferenceSpec | None, costs.Cost | None, LobassError | None]:
    """What the form asks for and its cost, or why that cannot be; none of them before a base is chosen."""
    if not base:
        return None, None, None
    try:
        spec = _spec(project, base)
        if wrong := model_paths.why_no_model(spec.base):
            return None, None, wrong
        return spec, costs.cost_of_training(project, spec), None
    except LobassError as error:
        return None, None, error


def _fields(datasets: Sequence[str]) -> None:
    left, right = st.columns(2, vertical_alignment="bottom")
    left.text_input("Name", key=NAME, placeholder="ref-1ep", max_chars=80, persist_state="session")
    right.selectbox(
        "Method", list(METHODS), format_func=METHODS.__getitem__, key=METHOD, persist_state="session",
        help="LoRA needs less memory: base and reference share their weights when they score.",
    )  # fmt: skip
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        number_field.show(
            "Folds", key=FOLDS, whole=True, least=1, most=20, otherwise=1,
            help="1: one model, as in the paper. 2: half-pools. K: K models; each sample is scored by the one not "
            "trained on it.",
        )  # fmt: skip
    with right:
        number_field.show(
            "Epochs", key=EPOCHS, above=0, otherwise=1.0,
            help="Of several, the epoch with the lowest loss on held-out samples is kept.",
        )  # fmt: skip
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        number_field.show(
            "References", key=SEEDS, whole=True, least=1, most=MOST_SEEDS, otherwise=1,
            help="Several are trained with other seeds and orders. Their mean loss is the reference loss, and their "
            "spread is the standard error of each score.",
        )  # fmt: skip
    right.selectbox(
        "Trained on", settings.with_typed(["", *datasets], TRAINED_ON), format_func=_trained_on_label, key=TRAINED_ON,
        accept_new_options=True, persist_state="session",
        help="A target is what the model should become: a dataset, or a file on the server that stays outside of the "
        "project (type its path). Scores then say how far each row leads there: choose the reference as Target under "
        "Settings when you score.",
    )  # fmt: skip
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        number_field.show("Peak learning rate", key=RATE, least=0, placeholder="automatic")
    with right:
        number_field.show(
            "Seed", key=SEED, whole=True, least=0, otherwise=0,
            help="For the order of the rows, the folds, and the weights that LoRA begins with. Several references "
            "count upwards from it.",
        )  # fmt: skip
    left, right = st.columns(2, vertical_alignment="bottom")
    if st.session_state.get(METHOD) == "lora":
        with left:
            number_field.show("LoRA rank", key=RANK, whole=True, least=1, otherwise=16)
        left = right
    left.toggle(
        "Keep every epoch", key=KEEP_EPOCHS, persist_state="session",
        help="Each is scored as a loss column of its own, beside the epoch that was chosen.",
    )  # fmt: skip


def _trained_on_label(target: str) -> str:
    return f"Target: {Path(target).name or target}" if target else "The data"


def _spec(project: Project, base: str) -> TrainReferenceSpec:
    """What the form asks for.

    Raises:
        RequestError: a setting is invalid, or the file of the target lies where the dashboard may not read.
    """
    value = st.session_state.get
    target = value(TRAINED_ON) or ""
    if target and target not in state.outline(project).datasets:
        target = str(server_paths.checked(target, project))
    name = (value(NAME) or "").strip() or default_name(base)
    return TrainReferenceSpec(
        base=ModelSpec(base, revision=(value(settings.REVISION) or "").strip()),
        name=name,
        datasets=() if target else state.chosen_datasets(),
        method=value(METHOD) or "full",
        folds=int(value(FOLDS) or 1),
        epochs=float(value(EPOCHS) or 1.0),
        learning_rate=float(value(RATE) or 0.0),
        seed=int(value(SEED) or 0),
        render=RenderSpec(
            value(settings.TEMPLATE) or "", value(settings.MASK) or "all", int(value(settings.MAX_TOKENS) or 0)
        ),
        device=value(settings.DEVICE) or "auto",
        lora_rank=int(value(RANK) or 16),
        seeds=int(value(SEEDS) or 1),
        keep_epochs=bool(value(KEEP_EPOCHS)),
        target=target,
    )


def default_name(base: str) -> str:
    """A name from the base's, of the characters that a reference's name may have."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", base.rstrip("/").rsplit("/", 1)[-1]).strip(".-_")
    return f"{stem or 'base'}-ref"


def start(project: Project, spec: TrainReferenceSpec) -> str:
    """Launch the training, and return its run id.

    Raises:
        LobassError: the name is taken or no name, a dataset is not there, or it is being trained already.
    """
    return train_reference.start(project, spec).run_id


def _explanation(n_rows: int) -> view.Node:
    return el(
        "div",
        parts.heading("What this does"),
        el(
            "p",
            "Fine-tunes the base on the response tokens of the data. If the fine-tuned model finds a response much "
            "easier than the base does, there was something to learn.",
            cls="muted",
        ),
        parts.facts(
            [
                ("Rows", _rows(n_rows)),
                ("Template, limit", "as under Settings; scoring uses the same"),
                ("Held out", "2 % of the samples, to measure the loss before and after, and to choose the best epoch"),
                (
                    "Folds",
                    "duplicates and near duplicates share a fold, so no model scores a sample that it was trained on",
                ),
                ("Saved", "weights and recipe under models/; a stopped training resumes from its checkpoint"),
            ]
        ),
        cls="stack",
    )


def _rows(n_rows: int) -> str:
    if target := st.session_state.get(TRAINED_ON):
        return f"those of {Path(target).name or target}; the pool is what you score"
    return f"{theme.count(n_rows)}, of {', '.join(state.chosen_datasets()) or 'all datasets'}"
