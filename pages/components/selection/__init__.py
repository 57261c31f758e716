"""The Select page's parts: the draft spec, its toolbar, and the tabs below the instrument."""
