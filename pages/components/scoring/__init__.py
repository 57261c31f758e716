"""The Score page's parts: pickers and settings, the look before, the run as it goes, a reference's training."""
