"""Filters under names: kept, listed, renamed, deleted, and the same rows again."""

import pytest

from lobass_core.errors import RequestError
from lobass_core.project import Project
from lobass_core.workflows import review, saved_filters
from lobass_core.workflows.browse_filter import BrowseFilter

ASKED = BrowseFilter(
    text="50% & more",
    domains=("math", "a,b"),
    ranges=(("learnability", (0.1, None)), ("a column", (None, 2.0))),
    sort="tokens",
    descending=False,
)


def names(project: Project) -> list[str]:
    return [one.name for one in saved_filters.list_filters(project)]


def test_a_filter_is_found_again_as_it_was(project: Project):
    saved_filters.save(project, " hard maths ", ASKED)
    saved_filters.save(project, "Zum Prüfen", review.queue((("math", 0.3),)))
    saved_filters.save(project, "all", BrowseFilter())
    assert names(project) == ["all", "hard maths", "Zum Prüfen"]
    assert saved_filters.load(project, "hard maths") == ASKED
    assert saved_filters.load(project, "Zum Prüfen") == review.queue((("math", 0.3),))
    assert saved_filters.load(project, "all") == BrowseFilter()


def test_a_name_is_taken_once_and_replaced_on_request(project: Project):
    saved_filters.save(project, "mine", ASKED)
    with pytest.raises(RequestError, match="'mine' already"):
        saved_filters.save(project, "mine", BrowseFilter())
    assert saved_filters.load(project, "mine") == ASKED
    saved_filters.save(project, "mine", BrowseFilter(), replace=True)
    assert (names(project), saved_filters.load(project, "mine")) == (["mine"], BrowseFilter())


def test_rename_and_delete(project: Project):
    saved_filters.save(project, "a", ASKED)
    saved_filters.save(project, "b", BrowseFilter())
    with pytest.raises(RequestError, match="'b' already"):
        saved_filters.rename(project, "a", "b")
    saved_filters.rename(project, "a", "c")
    saved_filters.delete(project, "b")
    assert names(project) == ["c"]
    assert saved_filters.load(project, "c") == ASKED
    for act in (saved_filters.delete, saved_filters.load):
        with pytest.raises(RequestError, match="no saved filter 'b'") as refused:
            act(project, "b")
        assert "c" in refused.value.do


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "two\nlines"])
def test_a_name_that_cannot_be_one(project: Project, name: str):
    with pytest.raises(RequestError, match="cannot be the name"):
        saved_filters.save(project, name, ASKED)
    assert names(project) == []
