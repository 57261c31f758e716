"""Which rows to keep: budgets, balance, cuts and overlaps as pure functions over arrays."""
