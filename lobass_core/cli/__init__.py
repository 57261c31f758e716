"""The command line `lobass`: one file a command, each a thin face over one workflow."""
