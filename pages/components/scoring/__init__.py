"""The Score page's parts: pickers and settings, the preview, a run's progress, the training of a reference."""
