"""Does a subset train better than chance: arms, splits, cached results, statistics, report."""
