"""Which files of a folder, a pattern or a list make one dataset."""
