"""The script behind every page: open the project, draw the frame, run the page."""

import streamlit as st

from lobass_core import __version__
from lobass_core.errors import LobassError
from lobass_core.files import read_only
from lobass_core.workflows.collect import try_collect
from pages.components import address, errors, no_project, state, theme, warm_up

LOOK = "You can look, compare, and export to a folder elsewhere."
READ_ONLY = f"{LOOK} To change it, copy the project to a folder you can write to."
ASKED_TO_READ = f"{LOOK} To change it, start the dashboard without --read-only."
# Without an item of ours, the menu with the themes would not be shown at all.
ABOUT = (
    f"**LoBaSS {__version__}**\n\n"
    "Scores instruction data by learnability ([arXiv 2310.13008](https://arxiv.org/abs/2310.13008)). "
    "Licence: Apache-2.0."
)

st.set_page_config(
    page_icon=str(state.PAGES_DIR / "assets" / "icon.png"),
    layout="wide",
    initial_sidebar_state="collapsed",
    menu_items={"About": ABOUT},
)
st.logo(str(state.PAGES_DIR / "assets" / "logo.png"), size="medium")
theme.apply_css()

page = st.navigation(
    [
        st.Page(state.PAGES_DIR / file, title=title, icon=icon, url_path=name, help=help, default=name == "overview")
        for name, file, title, icon, help in state.PAGES
        if (state.PAGES_DIR / file).is_file()
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} · LoBaSS")
theme.begin_page(page.title)
address.begin(page.title.lower())

try:
    project = state.open_project()
    if project is None:
        no_project.show()
    else:
        errors.say_once(try_collect(project).sentences)
        state.sidebar(project)
        if project.is_read_only:
            text = ASKED_TO_READ if read_only.is_asked_for() else READ_ONLY
            st.info(text, title="This project is read-only", icon=":material/lock:")
        state.begin_page(page.title)
        with warm_up.drawing.page():
            page.run()
except LobassError as error:
    errors.show(error, key="page-error", comes_back=True)
