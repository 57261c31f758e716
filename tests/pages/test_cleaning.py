"""Overview says how much space can be freed, lists what can go, and removes it on a click."""

from lobass_core.store.connection import release
from pages.components import cleaning
from tests.pages.conftest import view_text
from tests.read_only import read_only


def test_the_line_appears_where_it_is_worth_it_and_the_dialog_removes(open_page, scored, monkeypatch):
    copy = scored.root / "store-v2.duckdb"
    copy.write_bytes(b"x" * 3_000_000)
    assert "can be freed" not in view_text(open_page(scored.root))
    monkeypatch.setattr(cleaning, "SHOWN_BYTES", 1_000_000)
    app = open_page(scored.root)
    assert "3.0 MB can be freed" in view_text(app)
    monkeypatch.setattr(cleaning.view, "show", clicks(cleaning.view.show))
    app = open_page(scored.root)
    assert "the store before an update of LoBaSS" in view_text(app)
    (button,) = [button for button in app.button if button.key == "overview-clean"]
    assert button.label == "Remove 1 item, 3.0 MB"
    button.click().run()
    assert not app.exception
    assert not copy.exists()


def clicks(show):
    """The Overview's view as if the line had been clicked."""

    def shown(nodes, **settings):
        clicked = show(nodes, **settings)
        return cleaning.CLICK if settings["key"] == "overview" else clicked

    return shown


def test_a_read_only_project_offers_nothing(open_page, scored, monkeypatch):
    monkeypatch.setattr(cleaning, "SHOWN_BYTES", 1)
    (scored.root / "store-v2.duckdb").write_bytes(b"x" * 3_000_000)
    release(scored.store_path)
    with read_only(scored.root):
        assert "can be freed" not in view_text(open_page(scored.root))
        release(scored.store_path)
