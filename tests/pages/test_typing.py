"""What is being typed survives a run of its page."""

import pytest

from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import select as selections
from tests.pages.conftest import OpenPage

# A field of each page, and the state in which the page shows it.
FIELDS: dict[str, tuple[str, dict]] = {
    "select": ("select.save-name", {}),
    "browse": ("browse.w.q", {}),
    "learnability": ("learnability.w.learnable_from.all.typed", {"learnability.view": "Loss plane"}),
    "import_data": ("import.name", {"import.path": "{folder}/math.json"}),
    "score": ("score.base", {"score.shown": "new"}),
    "export": ("export.license", {}),
}


def test_no_field_is_given_its_value_again(scored: Project, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch):
    """It would lose the letters that have not been sent yet."""
    folder = scored.root.parent
    monkeypatch.setenv("LOBASS_IMPORT_DIRS", str(folder))
    selections.save(scored, "paper", SelectionSpec())
    for page, (field, state) in FIELDS.items():
        app = open_page(scored.root, page, state={key: text.format(folder=folder) for key, text in state.items()})
        app.run()
        fields = [*app.text_input, *(one for one in app.selectbox if one.proto.accept_new_options)]
        assert field in {one.key for one in fields}, page
        assert [one.key for one in fields if one.proto.set_value] == [], page
