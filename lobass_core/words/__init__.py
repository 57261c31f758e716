"""Numbers and losses in words, for pages, commands and logs alike."""
