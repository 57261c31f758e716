"""The dashboard. Start it with `lobass serve`, or with `streamlit run app.py`."""

from pages.serving import early_reading, stopping

if __name__ == "__main__":
    # Before the slow imports: Ctrl-C meanwhile is no traceback, and the other core reads the project.
    stopping.stop_at_once()
    early_reading.begin()

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from lobass_core.jobs import remote_code
from pages.serving import life
from pages.serving.gate import Gate
from pages.serving.own_words import OwnWords
from pages.serving.safe_headers import SafeHeaders

remote_code.rule_out()

# The router does not lie beside `pages/`: Streamlit would take that folder for a multipage app of the old kind, and
# a link to /select that comes before the first visit of / would run the page without its router.
app = st.App(
    Path(__file__).parent / "pages" / "components" / "router.py",
    lifespan=life.while_serving,
    middleware=[Middleware(SafeHeaders), Middleware(Gate), Middleware(OwnWords)],
)

if __name__ == "__main__":
    life.run(app)
