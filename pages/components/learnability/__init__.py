"""The Learnability page's parts: the brush that all charts share, and one file a view."""
