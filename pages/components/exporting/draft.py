"""The export that is being set up: selection, format, destination, options."""

import re
from pathlib import Path
from typing import get_args

import streamlit as st

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.specs import WEIGHTED_FORMATS, ExportFormat, ExportSpec
from pages.components import server_paths

SELECTION, FORMAT = "selection", "export.format"
TO, DROPPED, LICENSE, LANGUAGES, CUTOFF = (
    "export.to", "export.with-dropped", "export.license", "export.languages", "export.cutoff"
)  # fmt: skip
VALIDATION, SEED, RANKED, WEIGHT, CHECK, REPLACE = (
    "export.validation", "export.seed", "export.ranked", "export.weight", "export.check", "export.replace"
)  # fmt: skip
RECEIPT = "export.receipt"

# Card title and what its files are, in the order in which they stand; the last four are offered in a line below.
FORMATS: dict[ExportFormat, tuple[str, str]] = {
    "trl": ("TRL", "messages · SFTTrainer"),
    "llama-factory": ("LLaMA-Factory", "sharegpt + dataset_info"),
    "axolotl": ("Axolotl", "chat_template + YAML"),
    "huggingface": ("HF folder", "load_dataset, with card"),
    "messages": ("JSONL messages", "one object per line"),
    "alpaca": ("Alpaca", "instruction, input, output"),
    "source": ("Source rows", "unchanged, as imported"),
    "sharegpt": ("ShareGPT", "from and value"),
    "prompt-completion": ("Prompt and completion", "two fields"),
    "parquet": ("Parquet", "one table with scores"),
    "tokens": ("Tokens", "input_ids and labels as scored"),
}
N_CARDS = 7


def chosen_format() -> ExportFormat:
    """The format of the chosen card."""
    name = st.session_state.get(FORMAT)
    return name if name in get_args(ExportFormat) else "trl"  # type: ignore[return-value]


def default_folder(selection: str, format: str) -> str:
    """Where an export goes unless the person says otherwise, relative to the project."""
    name = re.sub(r"[^\w.\-]+", "-", selection).strip("-.") or "selection"
    return f"exports/{name}-{format}"


def destination_key(selection: str, format: str) -> str:
    """Each selection and format has a destination of its own, which keeps what was typed."""
    return f"{TO}-{selection}-{format}"


def spec_of(selection: str, format: ExportFormat, to: Path) -> ExportSpec:
    """The settings of the page as the workflows take them."""
    languages = re.split(r"[,\s]+", (st.session_state.get(LANGUAGES) or "").strip())
    return ExportSpec(
        selection=selection,
        to=str(to),
        format=format,
        with_dropped=bool(st.session_state.get(DROPPED)),
        license=(st.session_state.get(LICENSE) or "").strip(),
        languages=tuple(language for language in languages if language),
        cutoff_tokens=int(st.session_state.get(CUTOFF) or 0),
        check=bool(st.session_state.get(CHECK, True)),
        validation=validation(),
        seed=int(st.session_state.get(SEED) or 0),
        replace=bool(st.session_state.get(REPLACE)),
        weight=bool(st.session_state.get(WEIGHT)) and takes_weight(format),
        order="rank" if st.session_state.get(RANKED) and format != "source" else "file",
    )


def takes_weight(format: ExportFormat) -> bool:
    """Whether the files of a format have a place for the score as a weight."""
    return format in WEIGHTED_FORMATS


def validation() -> float:
    """The share of the rows (below 1) or the number of them that the page sets aside."""
    return float(st.session_state.get(VALIDATION) or 0)


def destination(text: str, project: Project) -> Path:
    """The folder that a typed path names, links followed; a relative one starts in the project.

    Raises:
        RequestError: it lies in the project but outside its exports, or outside the folders that the dashboard may use.
    """
    try:
        path = (project.root / Path(text.strip() or ".").expanduser()).resolve()
    except (OSError, RuntimeError, ValueError):
        raise RequestError("not a valid path", where=repr(text[:200]), do="Give the path of a folder.") from None
    exports = project.exports_dir.resolve()
    if path.is_relative_to(exports) and path != exports:
        return path
    if path.is_relative_to(project.root):
        raise RequestError(
            "inside the project, exports go to its exports folder", where=str(path), do="Write exports/NAME."
        )
    return server_paths.checked(str(path), project)


def shown(path: Path | str, project: Project) -> str:
    """A folder as the page writes it: relative to the project where it lies inside."""
    path = Path(path)
    return path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else str(path)
