"""How the server's process is configured, starts and ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import streamlit as st
from streamlit import config

from lobass_core.workflows.serve import HOST
from pages.components import state
from pages.serving import announce, early_reading, interrupted_runs, late_fragments, own_words, stale_values, stopping
from pages.serving.access import settings


def run(app: st.App) -> NoReturn:
    """Serve until a signal comes; what `lobass serve` becomes."""
    spec = settings()
    app.run(
        config={
            "server.address": HOST,
            "server.port": spec.port,
            "server.headless": True,
            # The gate has decided by then; Streamlit asks again at the websocket.
            "server.corsAllowedOrigins": list(spec.allow_origins),
        }
    )
    stopping.end()


@asynccontextmanager
async def while_serving(_app: Any) -> AsyncIterator[dict[str, Any]]:
    """Signals, our version, the address on the terminal, and reading the project beside all that."""
    stopping.stop_soon()
    own_words.adopt()
    late_fragments.adopt()
    stale_values.adopt()
    interrupted_runs.adopt()
    announce.announce(int(config.get_option("server.port")))
    early_reading.begin()
    yield {}
    announce.forget(state.project_root())
