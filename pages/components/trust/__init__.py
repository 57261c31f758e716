"""The Trust page's parts: its findings, its tables of length, its self-test, its address."""
