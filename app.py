"""The dashboard. Start it with `lobass serve`, or with `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

# The router does not lie beside `pages/`: Streamlit would take that folder for a multipage app of the old kind, and
# a link to /select that comes before the first visit of / would run the page without its router.
app = st.App(Path(__file__).parent / "pages" / "components" / "router.py")
