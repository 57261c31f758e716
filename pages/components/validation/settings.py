"""What an experiment is to be: arms, budgets, how it is trained and measured, and the spec that this makes."""

from collections.abc import Mapping, Sequence

import streamlit as st

from lobass_core.project import Project
from lobass_core.specs import DEFAULT_ARMS, ValidateSpec
from lobass_core.validation.arms import ARMS, MEASURE
from lobass_core.validation.report import budget_words, title_of
from lobass_core.words.typed_numbers import NotANumber, read_number
from lobass_core.workflows import explore
from lobass_core.workflows import select as selections_workflow
from lobass_core.workflows.scored import Scored
from pages.components import errors, number_field, parts, server_paths, state, view

ARMS_KEY, SELECTIONS, BUDGETS, FILES = "validate.arms", "validate.selections", "validate.budgets", "validate.files"
DRAWS, SEEDS, EPOCHS, EQUAL = "validate.draws", "validate.seeds", "validate.epochs", "validate.equal"
HELD_OUT, SEED, DEVICE, ANSWERS = "validate.held-out", "validate.seed", "validate.device", "validate.answers"
METHOD, RATE, RANK, BATCH = "validate.method", "validate.rate", "validate.rank", "validate.batch-tokens"
TARGETED = f"{MEASURE}target-learnability"
WRONG_BUDGET = "validate.wrong-budget"
PRESETS = (0.015, 0.06, 0.167, 0.5)
METHODS = {"lora": "LoRA adapter", "full": "All weights"}
EQUALS = {"epochs": "Epochs", "steps": "Steps"}
USUAL = ValidateSpec()


def first_values(saved: Sequence[str], arms: Mapping[str, str]) -> None:
    """Give the pickers what an experiment usually has; saved selections are arms until somebody takes them away.

    Where the scores have a target, the rows that lead towards it are an arm too.
    """
    state.remember(ARMS_KEY, [*DEFAULT_ARMS, *([TARGETED] if TARGETED in arms else [])])
    state.remember(SELECTIONS, list(saved[:1]))
    state.remember(BUDGETS, list(USUAL.budgets))
    state.remember(FILES, [])
    state.remember(EQUAL, USUAL.equal)
    state.remember(METHOD, USUAL.method)


def saved_names(project: Project) -> list[str]:
    """Saved selections, latest first."""
    return [saved.name for saved in selections_workflow.list_selections(project)]


def arms_of(rows: Scored) -> dict[str, str]:
    """Every arm that can be trained on these rows with its label; measures that are an arm already are left out."""
    measures = {
        f"{MEASURE}{name}": one.title
        for name, one in explore.measures(rows).items()
        if name not in ARMS and not one.uses_seed
    }
    return {arm: title_of(arm) for arm in ARMS} | {arm: f"Best by {title}" for arm, title in measures.items()}


def fields(arms: Mapping[str, str], saved: Sequence[str]) -> None:
    """Draw the form."""
    view.show(parts.heading("Arms", "each trains the base on other rows"), key="validate-arms-title")
    _only_known(ARMS_KEY, arms)
    _only_known(SELECTIONS, saved)
    st.multiselect(
        "Arms", list(arms), key=ARMS_KEY, format_func=lambda arm: arms.get(arm, arm), persist_state="session",
        wrap=True,
        help="Random draws are always trained: every other arm is compared with them.",
    )  # fmt: skip
    left, right = st.columns(2)
    left.multiselect(
        "Saved selections", list(saved), key=SELECTIONS, persist_state="session", placeholder="None", wrap=True,
        help="Each is compared with random draws of its own size, to within 5 %.",
    )  # fmt: skip
    with right:
        _budgets()
    view.show(parts.heading("Training"), key="validate-training-title")
    one, two, three, four = st.columns([3, 3, 3, 4], vertical_alignment="bottom")
    with one:
        number_field.show(
            "Random draws", key=DRAWS, whole=True, least=2, most=99, otherwise=USUAL.draws,
            help="Draws per random arm. Their spread is the size of chance: 5 or more find smaller differences.",
        )  # fmt: skip
    with two:
        number_field.show(
            "Training seeds", key=SEEDS, whole=True, least=1, most=99, otherwise=USUAL.seeds,
            help="Trainings per arm and draw, each with a different seed.",
        )  # fmt: skip
    with three:
        number_field.show("Epochs", key=EPOCHS, above=0, otherwise=USUAL.epochs)
    with four:
        st.segmented_control(
            "Equal", list(EQUALS), key=EQUAL, format_func=EQUALS.__getitem__, required=True, persist_state="session",
            help="Epochs: each arm passes over its own rows as often. Steps: each arm takes as many optimiser steps as "
            "a random draw of its budget.",
        )  # fmt: skip
    view.show(parts.heading("Held-out rows", "set aside before anything is chosen"), key="validate-held-out-title")
    one, two, right = st.columns([2, 2, 5], vertical_alignment="bottom")
    with one:
        number_field.show(
            "Per domain", key=HELD_OUT, whole=True, least=2, otherwise=USUAL.held_out,
            help="At most half of a domain. Near duplicates stay together, so no arm has seen what it is measured on.",
        )  # fmt: skip
    with two:
        number_field.show(
            "Answers per set", key=ANSWERS, whole=True, least=0, otherwise=0,
            help="0: none. Else each arm also answers so many held-out rows per set that end in #### or \\boxed{}, and "
            "exact matches are counted, in sets of which the base gets some right. This takes longer.",
        )  # fmt: skip
    files = st.session_state.get(FILES) or []
    right.multiselect(
        "Further files", list(files), key=FILES, accept_new_options=True, placeholder="Path of a file on the server",
        persist_state="session", wrap=True,
        help="Rows of other kinds or of the target: each file is measured as a set of its own and trained on by no "
        "arm.",
    )  # fmt: skip


def popover() -> None:
    """How each arm is trained, and on what; all have a sensible default."""
    with st.popover("Settings", icon=":material/tune:", key="validate.settings"):
        left, right = st.columns(2)
        left.selectbox("Method", list(METHODS), key=METHOD, format_func=METHODS.__getitem__, persist_state="session")
        with right:
            number_field.show(
                "Peak learning rate", key=RATE, least=0, placeholder="automatic",
                help="Empty: set by method and model size.",
            )  # fmt: skip
        with left:
            number_field.show("Tokens per step", key=BATCH, whole=True, least=1, otherwise=USUAL.batch_tokens)
        with right:
            number_field.show("LoRA rank", key=RANK, whole=True, least=1, otherwise=USUAL.lora_rank)
        left.selectbox(
            "Device", ["auto", "cpu", "cuda", "mps"], key=DEVICE, accept_new_options=True, persist_state="session"
        )
        with right:
            number_field.show(
                "Seed", key=SEED, whole=True, least=0, otherwise=0, help="Draws the held-out rows; not the training."
            )


def _budgets() -> None:
    def read() -> None:
        """What was typed is a share in per cent."""
        wrong, shares = "", []
        for one in st.session_state[BUDGETS]:
            try:
                shares.append(
                    one if isinstance(one, float) else read_number(one, in_percent=True, above=0, most=100) / 100
                )
            except NotANumber as error:
                wrong = f"{one}: {error}"
        st.session_state[BUDGETS] = list(dict.fromkeys(shares))
        st.session_state[WRONG_BUDGET] = wrong

    chosen = st.session_state[BUDGETS]
    st.multiselect(
        "Budgets, % of the rows", sorted({*PRESETS, *chosen}), key=BUDGETS, accept_new_options=True, on_change=read,
        format_func=lambda share: budget_words(share) if isinstance(share, float) else str(share),
        persist_state="session", placeholder="Choose or type", wrap=True,
    )  # fmt: skip
    if wrong := st.session_state.get(WRONG_BUDGET):
        st.caption(f":red[{errors.plain(wrong)}]")


def spec_of(project: Project) -> ValidateSpec:
    """The form as one spec.

    Raises:
        RequestError: a setting is invalid, or a file lies where the dashboard may not read.
    """
    value = st.session_state.get
    files = tuple(str(server_paths.checked(path, project)) for path in value(FILES) or ())
    return ValidateSpec(
        arms=tuple(value(ARMS_KEY) or ("random",)),
        selections=tuple(value(SELECTIONS) or ()),
        budgets=tuple(value(BUDGETS) or ()),
        draws=int(value(DRAWS) or USUAL.draws),
        seeds=int(value(SEEDS) or USUAL.seeds),
        epochs=float(value(EPOCHS) or USUAL.epochs),
        equal=value(EQUAL) or USUAL.equal,
        method=value(METHOD) or USUAL.method,
        learning_rate=float(value(RATE) or 0.0),
        lora_rank=int(value(RANK) or USUAL.lora_rank),
        batch_tokens=int(value(BATCH) or USUAL.batch_tokens),
        device=value(DEVICE) or "auto",
        held_out=int(value(HELD_OUT) or USUAL.held_out),
        seed=int(value(SEED) or 0),
        answers=int(value(ANSWERS) or 0),
        datasets=state.chosen_datasets(),
        evaluate=files,
    )


def _only_known(key: str, known: Sequence[str] | Mapping[str, str]) -> None:
    """Forget choices that other scores or a removed selection have taken away."""
    chosen = st.session_state[key]
    if any(one not in known for one in chosen):
        st.session_state[key] = [one for one in chosen if one in known]
