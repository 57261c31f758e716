"""The Browse page's parts: the list of a session, the acts that come from it, and the dialogs."""
