"""Selections leave here: files for trainers, the original records, their manifest and data card."""
