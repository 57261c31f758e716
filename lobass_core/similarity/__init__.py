"""Near-duplicate groups and the folds that respect them."""
