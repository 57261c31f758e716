"""What stands behind the Browse page: the list that a session looks at, the acts that come from it, and the dialogs."""
