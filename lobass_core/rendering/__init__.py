"""Samples become tokens with a known response span: templates, spans, masks, truncation."""
