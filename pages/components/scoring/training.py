"""The form that trains a reference on the data or on a target: full or LoRA, one model, folds, or several seeds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import ModelSpec, RenderSpec, TrainReferenceSpec
from lobass_core.specs.runs import MOST_SEEDS
from lobass_core.workflows import costs, model_paths, train_reference
from pages.components import number_field, parts, state, theme, view
from pages.components.scoring import cost_view, settings
from pages.components.view import el

NAME, METHOD, FOLDS, EPOCHS = "score.train-name", "score.train-method", "score.train-folds", "score.train-epochs"
RATE, SEED, RANK = "score.train-rate", "score.train-seed", "score.train-rank"
SEEDS, KEEP_EPOCHS, TRAINED_ON = "score.train-seeds", "score.train-keep-epochs", "score.train-on"
METHODS = {"full": "All weights", "lora": "LoRA adapter"}


@dataclass(frozen=True, slots=True)
class TrainingForm:
    """What the form makes: a spec, or why there is none."""

    spec: TrainReferenceSpec | None
    error: LobassError | None


def form(project: Project, base: str, n_rows: int) -> TrainingForm:
    """Draw the form, and return what it asks for."""
    left, right = st.columns([11, 13], gap="medium")
    with left:
        view.show(parts.heading("Train a reference", "the base, fine-tuned on this data"), key="score-train-title")
        _fields(state.outline(project).datasets)
    spec, wrong = _try_spec(base)
    with right:
        if spec is not None:
            cost_view.show_choices(spec, costs.cost_of_training(project, spec), FOLDS, SEEDS)
        view.show(_explanation(n_rows), key="score-train-why", label="What this does")
    return TrainingForm(spec, wrong)


def _try_spec(base: str) -> tuple[TrainReferenceSpec | None, LobassError | None]:
    """What the form asks for, or why that cannot be; neither before a base is chosen."""
    if not base:
        return None, None
    try:
        spec = _spec(base)
    except LobassError as error:
        return None, error
    wrong = model_paths.why_no_model(spec.base)
    return None if wrong else spec, wrong


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
        "Trained on", ["", *datasets], format_func=lambda name: f"Target: {name}" if name else "The data",
        key=TRAINED_ON, persist_state="session",
        help="A target is a dataset of what the model should become. Scores then say how far each row leads there: "
        "choose the reference as Target under Settings when you score. From the command line, a target can be a file "
        "that stays outside of the project.",
    )  # fmt: skip
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        number_field.show("Peak learning rate", key=RATE, least=0, placeholder="automatic")
    with right:
        if st.session_state.get(METHOD) == "lora":
            number_field.show("LoRA rank", key=RANK, whole=True, least=1, otherwise=16)
        else:
            number_field.show("Seed", key=SEED, whole=True, least=0, otherwise=0)
    st.toggle(
        "Keep every epoch", key=KEEP_EPOCHS, persist_state="session",
        help="Each is scored as a loss column of its own, beside the epoch that was chosen.",
    )  # fmt: skip


def _spec(base: str) -> TrainReferenceSpec:
    value = st.session_state.get
    name = (value(NAME) or "").strip() or default_name(base)
    return TrainReferenceSpec(
        base=ModelSpec(base, revision=(value(settings.REVISION) or "").strip()),
        name=name,
        datasets=() if value(TRAINED_ON) else state.chosen_datasets(),
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
        target=value(TRAINED_ON) or "",
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
        return f"those of {target}; the pool is what you score"
    return f"{theme.count(n_rows)}, of {', '.join(state.chosen_datasets()) or 'all datasets'}"
