"""Sample data that the program writes itself: two domains, kinds of rows whose place in the ranking is known.

Everything is drawn from phrase banks by a seeded generator, so that the same seed gives the same bytes on any machine.
"""
