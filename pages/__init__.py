"""The dashboard: one file a page, over the same workflows as the command line."""
