"""What the Score page shows, in its address: a run, or the models and settings of a new one; and chips.

/score?show=r-0003
/score?show=new&base=models/base&reference=ref-1ep&max-tokens=512     # named as `lobass score` names its options
/score?show=new&base=models/base&reference-from=training&folds=4
"""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from lobass_core.project import Project
from lobass_core.specs import ScoreSpec
from lobass_core.workflows.known_models import KnownModels
from pages.components import address, chips, server_paths, theme
from pages.components.chips import Chip
from pages.components.command_line import exact
from pages.components.scoring import settings, training
from pages.components.scoring.opening import SHOWN

# Models that a link has named and nobody has looked at yet.
NAMED = "score.named-by-address"
TEXTS = {
    "base": settings.BASE, "reference": settings.REFERENCE, "template": settings.TEMPLATE, "device": settings.DEVICE,
    "revision": settings.REVISION, "reference-revision": settings.REFERENCE_REVISION,
}  # fmt: skip
CHOICES = {
    "mask": (settings.MASK, "all", tuple(settings.MASKS)),
    "dtype": (settings.DTYPE, "auto", ("auto", "float32", "bfloat16")),
}
WHOLE = {"max-tokens": settings.MAX_TOKENS, "batch-tokens": settings.BATCH}
TRAINING: dict[str, tuple[str, Callable[[str], float]]] = {
    "folds": (training.FOLDS, int), "epochs": (training.EPOCHS, float), "lr": (training.RATE, float),
    "seed": (training.SEED, int), "seeds": (training.SEEDS, int), "lora-rank": (training.RANK, int),
}  # fmt: skip
NAMES = (
    "show", "reference-from", "adapter", "name", "method", "keep-epochs", "target",
    *TEXTS, *CHOICES, *WHOLE, *TRAINING,
)  # fmt: skip


def follow(project: Project, runs: list[str], datasets: list[str]) -> None:
    """Take over what the address asks for, where somebody came by it."""
    asked = address.asked(NAMES)
    if asked is None:
        return
    session = st.session_state
    session[SHOWN] = shown = address.one(asked, "show", ("new", *runs)) or None
    if shown in runs:
        return
    for name, key in TEXTS.items():
        session.pop(key, None)
        if text := address.one(asked, name):
            session[key] = text
    for name, (key, usual, known) in CHOICES.items():
        session[key] = address.one(asked, name, known) or usual
    for name, key in WHOLE.items():
        session[key] = address.read(asked, name, int, 0)
    session[settings.ADAPTER] = address.one(asked, "adapter", ("yes",)) == "yes"
    session[settings.HOW] = settings.TRAIN if address.one(asked, "reference-from", ("training",)) else settings.BRING
    session[training.NAME] = address.one(asked, "name")
    session[training.METHOD] = address.one(asked, "method", training.METHODS) or "full"
    for name, (key, how) in TRAINING.items():
        session[key] = address.read(asked, name, how, None)
    session[training.KEEP_EPOCHS] = address.one(asked, "keep-epochs", ("yes",)) == "yes"
    is_training = session[settings.HOW] == settings.TRAIN
    target = address.one(asked, "target")
    if is_training and target and target not in datasets and not server_paths.is_file(target, project):
        address.say(f"There is no dataset or file {target} to train on.")
        target = ""
    session[training.TRAINED_ON] = target if is_training else ""
    if target or asked.get("base"):
        session[settings.TARGET] = "" if is_training else target
    else:
        # A link that names no models leaves them to the page.
        session.pop(settings.TARGET, None)
    session[NAMED] = {address.one(asked, name) for name in ("base", "reference", "target")} - {""}


def waits(spec: ScoreSpec, known: KnownModels) -> bool:
    """Whether the models came by a link, so that nothing is fetched or loaded until a person asks for it."""
    named: set[str] = st.session_state.get(NAMED, set())
    models = {path for model in spec.models for path in (model.path, model.adapter)}
    return any(
        name in models and name not in (*known.bases, *known.references) and not Path(name).expanduser().exists()
        for name in named
    )


def trust() -> None:
    """A person has asked to look at the models of the address."""
    st.session_state.pop(NAMED, None)


def write(run_id: str) -> None:
    """Make the address that of the run shown, or of the new run that is set up."""
    if run_id:
        address.write({"show": run_id}, NAMES)
        return
    session = st.session_state
    is_training = session.get(settings.HOW) == settings.TRAIN
    query = {"show": "new"}
    if is_training:
        query["reference-from"] = "training"
        query |= {"name": name} if (name := (session.get(training.NAME) or "").strip()) else {}
        query |= {"method": "lora"} if session.get(training.METHOD) == "lora" else {}
        query |= {"keep-epochs": "yes"} if session.get(training.KEEP_EPOCHS) else {}
        query |= {name: exact(number) for name, (key, _) in TRAINING.items() if (number := session.get(key))}
    if target := session.get(training.TRAINED_ON if is_training else settings.TARGET):
        query["target"] = target
    usual = {"device": "auto", **({"reference": session.get(settings.REFERENCE)} if is_training else {})}
    for name, key in TEXTS.items():
        text = (session.get(key) or "").strip()
        if text and text != usual.get(name):
            query[name] = text
    for name, (key, standard, _) in CHOICES.items():
        if (chosen := session.get(key)) and chosen != standard:
            query[name] = chosen
    query |= {name: str(int(number)) for name, key in WHOLE.items() if (number := session.get(key))}
    if session.get(settings.ADAPTER):
        query["adapter"] = "yes"
    address.write(query, NAMES)


def show_chips() -> None:
    """A chip for each setting that is not as usual; a click puts it back."""
    session = st.session_state
    shown: list[Chip] = []
    if template := session.get(settings.TEMPLATE):
        shown.append(_chip(f"Template {template}", settings.TEMPLATE, ""))
    if limit := session.get(settings.MAX_TOKENS):
        shown.append(_chip(f"Maximum {theme.count(limit)} tokens", settings.MAX_TOKENS, 0))
    if (mask := session.get(settings.MASK) or "all") != "all":
        shown.append(_chip(f"Scored: {settings.MASKS[mask].lower()}", settings.MASK, "all"))
    if (dtype := session.get(settings.DTYPE) or "auto") != "auto":
        shown.append(_chip(f"Precision {dtype}", settings.DTYPE, "auto"))
    if (device := session.get(settings.DEVICE) or "auto") != "auto":
        shown.append(_chip(f"Device {device}", settings.DEVICE, "auto"))
    if batch := session.get(settings.BATCH):
        shown.append(_chip(f"{theme.count(batch)} tokens per batch", settings.BATCH, 0))
    if target := session.get(settings.TARGET):
        shown.append(_chip(f"Target {target}", settings.TARGET, ""))
    if revision := session.get(settings.REVISION):
        shown.append(_chip(f"Base revision {revision}", settings.REVISION, ""))
    if revision := session.get(settings.REFERENCE_REVISION):
        shown.append(_chip(f"Reference revision {revision}", settings.REFERENCE_REVISION, ""))
    if session.get(settings.ADAPTER):
        shown.append(_chip("The reference is an adapter", settings.ADAPTER, False))
    chips.row("score", shown)


def _chip(words: str, key: str, usual: object) -> Chip:
    def close() -> None:
        st.session_state[key] = usual

    return Chip(words, key, close)
