"""What the Validate page shows as parameters of its address: an experiment, or the settings of a new one; and as chips.

/validate?show=r-0007&view=tokens&budget=0.06
/validate?show=new&arms=base&arms=random&selections=paper-6&budgets=0.167&draws=5     # as `lobass validate` has them
"""

from collections.abc import Callable, Collection

import streamlit as st

from lobass_core.project import Project
from lobass_core.validation.forest import VIEWS
from pages.components import address, chips, server_paths, theme
from pages.components.address import Query
from pages.components.chips import Chip
from pages.components.command_line import exact
from pages.components.validation import settings

SHOWN, VIEW, BUDGET = "validate.shown", "validate.view", "validate.shown-budget"
LISTS = {"arms": settings.ARMS_KEY, "selections": settings.SELECTIONS}
NUMBERS: dict[str, tuple[str, Callable[[str], float]]] = {
    "draws": (settings.DRAWS, int), "seeds": (settings.SEEDS, int), "epochs": (settings.EPOCHS, float),
    "held-out": (settings.HELD_OUT, int), "answers": (settings.ANSWERS, int),
    "seed": (settings.SEED, int), "lr": (settings.RATE, float),
    "lora-rank": (settings.RANK, int), "batch-tokens": (settings.BATCH, int),
}  # fmt: skip
CHOICES = {"equal": (settings.EQUAL, settings.EQUALS), "method": (settings.METHOD, settings.METHODS)}
NAMES = ("show", "view", "budget", "budgets", "evaluate", "device", *LISTS, *NUMBERS, *CHOICES)


def follow(project: Project, experiments: Collection[str], arms: Collection[str], saved: Collection[str]) -> None:
    """Take over what the address asks for, where somebody came by it."""
    asked = address.asked(NAMES)
    if asked is None:
        return
    session = st.session_state
    session[SHOWN] = shown = address.one(asked, "show", ("new", *experiments)) or None
    session[VIEW] = address.one(asked, "view", VIEWS) or next(iter(VIEWS))
    session[BUDGET] = address.read(asked, "budget", float, None)
    if shown in experiments:
        return
    if not asked.keys().isdisjoint(("budgets", *LISTS)):
        # An address of ours names all that are chosen, so what it leaves out is not.
        for name, known in (("arms", arms), ("selections", saved)):
            session[LISTS[name]] = address.several(asked, name, known)
    if shares := [share for text in asked.get("budgets", ()) if (share := _share(text))]:
        session[settings.BUDGETS] = list(dict.fromkeys(shares))
    session[settings.FILES] = _files(asked, project)
    for name, (key, how) in NUMBERS.items():
        number = address.read(asked, name, how, None)
        # Written so that NaN is refused too.
        session[key] = number if number is None or number >= 0 else None
    for name, (key, known) in CHOICES.items():
        if chosen := address.one(asked, name, known):
            session[key] = chosen
    if device := address.one(asked, "device"):
        session[settings.DEVICE] = device


def _share(text: str) -> float | None:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if 0 < share <= 1:
        return share
    address.say(f"Invalid value in the address, ignored: budgets={text}.")
    return None


def _files(asked: Query, project: Project) -> list[str]:
    """Files that the dashboard may read."""
    paths = list(dict.fromkeys(asked.get("evaluate", ())))
    there = [path for path in paths if server_paths.is_file(path, project)]
    for path in paths:
        if path not in there:
            address.say(f"There is no file {path} to measure.")
    return there


def write(run_id: str) -> None:
    """Make the address that of the experiment shown, or of the new one that is set up."""
    session = st.session_state
    if run_id:
        query: dict[str, str | list[str]] = {"show": run_id}
        if (chosen := session.get(VIEW)) and chosen != next(iter(VIEWS)):
            query["view"] = chosen
        if budget := session.get(BUDGET):
            query["budget"] = exact(budget)
        address.write(query, NAMES)
        return
    query = {"show": "new", **{name: list(session.get(key) or ()) for name, key in LISTS.items()}}
    query["budgets"] = [exact(share) for share in session.get(settings.BUDGETS) or ()]
    query["evaluate"] = list(session.get(settings.FILES) or ())
    query |= {name: exact(number) for name, (key, _) in NUMBERS.items() if (number := session.get(key))}
    for name, (key, known) in CHOICES.items():
        if (chosen := session.get(key)) and chosen != next(iter(known)):
            query[name] = chosen
    if (device := session.get(settings.DEVICE) or "auto") != "auto":
        query["device"] = device
    address.write(query, NAMES)


def show_chips() -> None:
    """A chip for each setting of the menu that is not as usual; a click puts it back."""
    session = st.session_state
    listed: list[Chip] = []
    if session.get(settings.METHOD) == "full":
        listed.append(_chip("All weights are trained", settings.METHOD, "lora"))
    if rate := session.get(settings.RATE):
        listed.append(_chip(f"Peak learning rate {rate:g}", settings.RATE, None))
    if (rank := session.get(settings.RANK) or settings.USUAL.lora_rank) != settings.USUAL.lora_rank:
        listed.append(_chip(f"LoRA rank {rank}", settings.RANK, None))
    if (batch := session.get(settings.BATCH) or settings.USUAL.batch_tokens) != settings.USUAL.batch_tokens:
        listed.append(_chip(f"{theme.count(batch)} tokens per step", settings.BATCH, None))
    if seed := session.get(settings.SEED):
        listed.append(_chip(f"Seed {seed}", settings.SEED, None))
    if (device := session.get(settings.DEVICE) or "auto") != "auto":
        listed.append(_chip(f"Device {device}", settings.DEVICE, "auto"))
    chips.row("validate", listed)


def _chip(words: str, key: str, usual: object) -> Chip:
    def close() -> None:
        st.session_state[key] = usual

    return Chip(words, key, close)
