"""The notebook runs from its first cell to its last, on tiny models in place of the pretrained ones."""

import json
from pathlib import Path

import pytest

from lobass_core.specs import Gates
from lobass_core.store.connection import release

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
PRETRAINED = {"HuggingFaceTB/SmolLM2-135M": "base", "HuggingFaceTB/SmolLM2-135M-Instruct": "ref"}
# Random weights guess worse than a blind guess, so the usual gates would leave no row.
CHANGED = {
    'balance="natural"': 'balance="natural", gates=Gates(exclude_worse_than_chance=False)',
    # Saves another process that loads a tokenizer.
    'format="trl"': 'format="trl", check=False',
}


@pytest.mark.slow
def test_the_notebook_runs(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    names: dict = {"Gates": Gates}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            for usual, here in CHANGED.items():
                source = source.replace(usual, here)
            for name, folder in PRETRAINED.items():
                source = source.replace(f'"{name}"', repr(str(models / folder)))
            exec(compile(source, str(NOTEBOOK), "exec"), names)
    frame, kept, receipt = names["frame"], names["kept"], names["receipt"]
    assert len(frame) == names["matching"].n_rows and frame["learnability"].notna().all()
    assert len(kept) == names["matching"].n_found == receipt.n_written == round(0.167 * len(frame))
    assert (tmp_path / "notebook-export" / "train.jsonl").is_file() or list((tmp_path / "notebook-export").iterdir())
    release(names["project"].store_path)
