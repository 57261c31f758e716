"""What the dashboard shows if the folder holds no project."""

import streamlit as st

from lobass_core.project import Project
from pages.components import command_line, errors, state, view
from pages.components.view import el


def show() -> None:
    """Say where it looked and offer to make a project there."""
    root = state.project_root()
    st.space("large")
    view.show(
        el(
            "div",
            el("h1", "No project is open"),
            el(
                "p",
                "A project is a folder that holds samples, losses, decisions and selections. There is no project in",
                cls="muted",
            ),
            el("p", str(root), cls="mono"),
            cls="stack",
        ),
        key="no-project",
    )
    if st.button("Create a project here", type="primary", icon=":material/create_new_folder:", key="no-project-create"):
        with errors.shown():
            Project.create(root)
            st.rerun()
    st.caption("Or start the dashboard with another folder:")
    st.code(command_line.shell("serve", [["--project", "FOLDER"]]), language="bash")
