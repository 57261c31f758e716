"""Fields for numbers: what is read, what is marked, and what changes nothing."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import component_data


def page() -> None:
    import streamlit as st

    from pages.components import number_field

    heard = st.session_state.setdefault("heard", [])
    number = number_field.show(
        "Rows", key="rows", whole=True, least=0, otherwise=7, on_change=lambda: heard.append(st.session_state["rows"])
    )
    st.caption(f"{number!r}")


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(page).run()


def wrong(app: AppTest) -> list[str]:
    return [data["words"] for data in component_data(app) if isinstance(data, dict) and "words" in data]


def test_a_number_is_shown_read_and_told(app: AppTest) -> None:
    field = app.text_input(key="rows.typed")
    assert (field.value, app.caption[0].value) == ("7", "7")
    field.set_value("1.250").run()
    assert (app.text_input(key="rows.typed").value, app.caption[0].value) == ("1250", "1250")
    assert app.session_state["heard"] == [1250]
    app.text_input(key="rows.typed").set_value("").run()
    assert (app.text_input(key="rows.typed").value, app.caption[0].value) == ("7", "7")


def test_what_is_no_number_stays_marked_and_changes_nothing(app: AppTest) -> None:
    app.text_input(key="rows.typed").set_value("12").run()
    for text, words in (("a dozen", "not a number"), ("1,5", "not a whole number"), ("-3", "must be 0 or more")):
        app.text_input(key="rows.typed").set_value(text).run()
        assert (app.text_input(key="rows.typed").value, wrong(app)) == (text, [words])
        assert app.caption[0].value == "12"
    app.text_input(key="rows.typed").set_value("13").run()
    assert (app.caption[0].value, wrong(app), app.session_state["heard"]) == ("13", [], [12, 13])


def test_a_value_from_elsewhere_takes_the_place_of_what_was_typed(app: AppTest) -> None:
    app.text_input(key="rows.typed").set_value("many").run()
    app.session_state["rows"] = 99
    app.run()
    assert (app.text_input(key="rows.typed").value, wrong(app)) == ("99", [])


def test_none_in_the_session_is_the_usual_number(app: AppTest) -> None:
    app.session_state["rows"] = None
    app.run()
    assert (app.text_input(key="rows.typed").value, app.caption[0].value) == ("7", "7")
