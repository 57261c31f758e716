"""The Overview page's parts: the rows' way through the project, the lists, and the welcome."""
