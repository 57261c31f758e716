"""What axe-core and our own measures say of every page; `make axe` runs the whole matrix."""
