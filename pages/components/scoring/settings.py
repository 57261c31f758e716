"""The pickers of models, the Settings popover, and the spec that they make."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from lobass_core.errors import LobassError
from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.workflows import model_paths
from lobass_core.workflows.known_models import KnownModels
from lobass_core.workflows.references import score_spec
from pages.components import number_field, state

BASE, REFERENCE = "score.base", "score.reference"
TEMPLATE, MASK, MAX_TOKENS = "score.template", "score.mask", "score.max-tokens"
DTYPE, DEVICE, BATCH, ADAPTER = "score.dtype", "score.device", "score.batch", "score.adapter"
# The reference that was trained on a target, and the one that was put there for a person.
TARGET, OFFERED = "score.target", "score.offered-target"
REVISION, REFERENCE_REVISION = "score.revision", "score.reference-revision"
HOW = "score.how"
BRING, TRAIN = "Use a reference", "Train a reference"
# Set by other pages and views: the reference that the pickers should show next, or TRAIN.
USE_REFERENCE, USE_TARGET = "score.use-reference", "score.use-target"
MASKS = {"all": "All assistant turns", "last": "Last assistant turn"}


@dataclass(frozen=True, slots=True)
class ChosenModels:
    """What the pickers say, as typed; empty for not chosen. `is_training`: a reference is to be trained here first."""

    base: str
    reference: str
    is_training: bool = False

    @property
    def is_complete(self) -> bool:
        return bool(self.base and self.reference) and not self.is_training


def use(reference: str) -> None:
    """Let the pickers show this reference next, or the training of one for TRAIN."""
    st.session_state[HOW] = TRAIN if reference == TRAIN else BRING
    if reference != TRAIN:
        st.session_state[REFERENCE] = reference


def pickers(known: KnownModels) -> ChosenModels:
    """Base → reference, each from those known here or typed in, or a reference that is trained first."""
    state.remember(HOW, BRING)
    if known.bases and BASE not in st.session_state:
        st.session_state[BASE] = known.bases[0]
    if target := st.session_state.pop(USE_TARGET, ""):
        st.session_state[HOW], st.session_state[TARGET] = BRING, target
    if REFERENCE not in st.session_state:
        # One that was trained on a target stands for what the model should become, not for the data.
        st.session_state[REFERENCE] = next((name for name in known.references if name not in known.targets), None)
    base = st.selectbox(
        "Base", with_typed(known.bases, BASE), index=None, key=BASE, accept_new_options=True,
        placeholder="Base: folder, .gguf file or Hub id",
        format_func=lambda path: f"Base: {_short(path)}", label_visibility="collapsed", width=236,
        persist_state="session", on_change=state.relabel, args=(BASE,),
        help="The model you want to train: a folder or .gguf file on this machine, or a Hub id.",
    )  # fmt: skip
    st.markdown("→", width="content")
    how = st.segmented_control(
        "Reference source", [BRING, TRAIN], key=HOW, required=True, label_visibility="collapsed",
        persist_state="session", width="content",
    )  # fmt: skip
    if how == TRAIN:
        return ChosenModels((base or "").strip(), "", is_training=True)
    reference = st.selectbox(
        "Reference", with_typed(known.references, REFERENCE), index=None, key=REFERENCE,
        accept_new_options=True, placeholder="Reference: name, folder or Hub id",
        label_visibility="collapsed", width=276,
        format_func=lambda name: _reference_label(name, known), persist_state="session",
        on_change=state.relabel, args=(REFERENCE,),
        help="The base after fine-tuning on this data: a reference trained here, a folder, a PEFT adapter or a Hub id. "
        "A published model that was fine-tuned from the base costs no training. It needs the base's tokenizer; the "
        "preview says if its chat template is another.",
    )  # fmt: skip
    chosen = ChosenModels((base or "").strip(), (reference or "").strip())
    _offer_target(known, chosen)
    return chosen


def _offer_target(known: KnownModels, chosen: ChosenModels) -> None:
    """Choose the base's usual target, until a person chooses another or none."""
    session = st.session_state
    if TARGET in session and session[TARGET] != session.get(OFFERED):
        return
    usual = known.usual_targets.get(chosen.base, "")
    session[TARGET] = session[OFFERED] = "" if usual == chosen.reference else usual


def with_typed(options: Sequence[str], key: str) -> list[str]:
    """The options and what was typed in, so that it is labelled like them."""
    typed = st.session_state.get(key)
    return [*options, typed] if typed and typed not in options else list(options)


def _short(path: str) -> str:
    return Path(path).name or path


def _reference_label(name: str, known: KnownModels) -> str:
    where = " (trained on a target)" if name in known.targets else " (trained here)"
    return f"Reference: {_short(name)}" + (where if name in known.trained_here else "")


def popover(known: KnownModels) -> None:
    """Template, limit, mask, numbers, device and target; all have a sensible default."""
    with st.popover("Settings", icon=":material/tune:", key="score.settings"):
        left, right = st.columns(2)
        left.selectbox(
            "Template", ["", "alpaca", "chatml", "plain"], key=TEMPLATE, accept_new_options=True,
            format_func=lambda name: name or "from the tokenizer", persist_state="session",
            help="Turns a conversation into text. You can also type the path of a Jinja file.",
        )  # fmt: skip
        with right:
            number_field.show(
                "Maximum tokens", key=MAX_TOKENS, whole=True, least=0, otherwise=0,
                help="0: 2,048, or the model's own limit if lower. A longer sample loses the end of its response.",
            )  # fmt: skip
        left.selectbox("Scored turns", list(MASKS), key=MASK, format_func=MASKS.__getitem__, persist_state="session")
        right.selectbox("Precision", ["auto", "float32", "bfloat16"], key=DTYPE, persist_state="session")
        left.selectbox(
            "Device", ["auto", "cpu", "cuda", "mps"], key=DEVICE, accept_new_options=True, persist_state="session"
        )
        with right:
            number_field.show(
                "Tokens per batch", key=BATCH, whole=True, least=0, otherwise=0,
                help="0: set from free memory. Losses do not depend on it.",
            )  # fmt: skip
        left.text_input(
            "Base revision", key=REVISION, placeholder="main", persist_state="session",
            help="Branch, tag or commit, if the base comes from the Hub.",
        )  # fmt: skip
        right.text_input(
            "Reference revision", key=REFERENCE_REVISION, placeholder="main", persist_state="session",
            help="Branch, tag or commit, if the reference comes from the Hub.",
        )  # fmt: skip
        st.selectbox(
            "Target", ["", *with_typed(known.targets, TARGET)], key=TARGET, persist_state="session",
            format_func=lambda name: name or ("none" if known.targets else "none: train a reference on a target first"),
            help="A second reference, trained on what the model should become. It adds the measure Learnability "
            "towards the target, for one more pass over the rows. Select and Browse then offer it.",
        )  # fmt: skip
        st.toggle("The reference is a PEFT adapter on the base", key=ADAPTER, persist_state="session")
        st.caption(
            "A model with its own Python code runs only from the command line: read the code, copy the line under "
            "Command and add `--trust-remote-code`."
        )


def spec_of(project: Project, chosen: ChosenModels) -> ScoreSpec:
    """The settings as one spec.

    Raises:
        LobassError: the reference's training has not finished, or a setting is invalid.
    """
    value = st.session_state.get
    return score_spec(
        project,
        base=chosen.base,
        reference=chosen.reference,
        adapter=bool(value(ADAPTER)),
        template=value(TEMPLATE) or "",
        max_tokens=int(value(MAX_TOKENS) or 0),
        mask_rule=value(MASK) or "all",
        dtype=value(DTYPE) or "auto",
        device=value(DEVICE) or "auto",
        batch_tokens=int(value(BATCH) or 0),
        datasets=state.chosen_datasets(),
        revision=(value(REVISION) or "").strip(),
        reference_revision=(value(REFERENCE_REVISION) or "").strip(),
        target=value(TARGET) or "",
    )


def try_spec(project: Project, chosen: ChosenModels) -> ScoreSpec | LobassError | None:
    """The spec, or why there is none; None while something is still to be chosen."""
    if not chosen.is_complete:
        return None
    try:
        spec = spec_of(project, chosen)
    except LobassError as error:
        return error
    return model_paths.why_not(spec) or spec
