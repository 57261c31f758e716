"""The pages of a project that may be read and not written."""

import pytest

from lobass_core.store.connection import release
from tests.read_only import read_only

PAGES = (
    "overview",
    "import_data",
    "score",
    "learnability",
    "browse",
    "select",
    "trust",
    "compare",
    "validate",
    "export",
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_opens_with_a_notice(open_page, scored, page):
    release(scored.store_path)
    with read_only(scored.root):
        app = open_page(scored.root, page)
        release(scored.store_path)
    assert not app.exception
    assert [item.value for item in app.error] == []
    assert [item.proto.title for item in app.info][:1] == ["This project is read-only"]
