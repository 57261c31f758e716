"""What is being typed survives a run of its page."""

import pytest

from lobass_core.project import Project
from lobass_core.specs import SelectionSpec
from lobass_core.workflows import select as selections
from tests.pages.conftest import OpenPage

# A field of each page, and the state in which the page shows it.
FIELDS: dict[str, tuple[str, dict]] = {
    "select": ("select.save-name", {"select.save-open": True}),
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
        app = open_page(scored.root, page, state={key: _in(folder, value) for key, value in state.items()})
        app.run()
        fields = [*app.text_input, *(one for one in app.selectbox if one.proto.accept_new_options)]
        assert field in {one.key for one in fields}, page
        assert [one.key for one in fields if one.proto.set_value] == [], page


def _in(folder: object, value: object) -> object:
    return value.format(folder=folder) if isinstance(value, str) else value


# The browser knows a choice by its words, and the words of these change: see `state.relabel`.
PUT_EACH_TIME = {"select.open", "selection", "compare.part"}
# A choice of each page that has some.
CHOICES = {
    "select": "select.gate-truncated",
    "browse": "browse.w.domains",
    "learnability": "learnability.first-measures",
    "compare": "compare.kind",
    "export": "export.check",
    "validate": "validate.arms",
    "trust": "trust.selection",
}


def test_no_choice_is_given_its_value_again(scored: Project, open_page: OpenPage):
    """It would take back what is chosen while the page still answers the choice before."""
    selections.save(scored, "paper", SelectionSpec())
    for page, choice in CHOICES.items():
        app = open_page(scored.root, page)
        app.run()
        kinds = (app.selectbox, app.multiselect, app.button_group, app.toggle, app.checkbox, app.radio)
        # What is switched off is given its value by Streamlit itself.
        choices = [one for kind in kinds for one in kind if not one.proto.disabled and one.key not in PUT_EACH_TIME]
        assert choice in {one.key for one in choices}, page
        assert [one.key for one in choices if one.proto.set_value] == [], page
