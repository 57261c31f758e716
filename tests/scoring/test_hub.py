"""Hub ids and their revisions, from a local cache as huggingface_hub lays one out; nothing is fetched."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lobass_core.errors import ModelError
from lobass_core.scoring.model_files import find_model
from lobass_core.specs import ModelSpec
from tests.models import tiny_llama, tiny_lora

MAIN, OLD = "a" * 40, "b" * 40
# path, adapter, revision, adapter's revision; and the commits that are found.
GIVEN = {
    ("some/base", "", "", ""): MAIN,
    ("some/base", "", "v1", ""): OLD,
    ("some/base", "", OLD, ""): OLD,
    ("some/base", "some/lora", "v1", ""): f"{OLD} {MAIN}",
    ("some/base", "some/lora", "", "v1"): f"{MAIN} {OLD}",
    ("some/base", "", "v9", ""): "there is no folder 'some/base', and the Hub model of that name is not in the local "
    "cache at revision 'v9' (HF_HUB_OFFLINE is set). Check the path, or download the model while online.",
}
# In a process of its own: huggingface_hub reads where its cache is when it is imported.
_FIND = """
import json, sys
from lobass_core.errors import LobassError
from lobass_core.scoring.model_files import find_model
from lobass_core.specs import ModelSpec
for path, adapter, revision, of_adapter in json.loads(sys.argv[1]):
    try:
        files = find_model(ModelSpec(path, adapter, revision, adapter_revision=of_adapter))
        print(" ".join(folder.name for folder in (files.folder, files.adapter) if folder))
    except LobassError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`some/base` and the adapter `some/lora`, each with a main branch and an older commit tagged v1."""
    cache = tmp_path_factory.mktemp("hub")
    made = {"base": tiny_llama(cache / "made" / "base")}
    made["lora"] = tiny_lora(cache / "made" / "lora", made["base"])
    for name, folder in made.items():
        repo = cache / f"models--some--{name}"
        (repo / "refs").mkdir(parents=True)
        for ref, commit in (("main", MAIN), ("v1", OLD)):
            (repo / "refs" / ref).write_text(commit)
            shutil.copytree(folder, repo / "snapshots" / commit)
    return cache


@pytest.mark.slow
def test_base_and_adapter_have_a_revision_each(cache: Path):
    environment = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", _FIND, json.dumps(list(GIVEN))]
    said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    assert dict(zip(GIVEN, said.splitlines(), strict=True)) == GIVEN


def test_a_folder_has_no_revisions(tmp_path: Path):
    with pytest.raises(ModelError, match="revision 'v1' applies only to a Hub id, and this model is on disk"):
        find_model(ModelSpec(str(tmp_path), revision="v1"))
