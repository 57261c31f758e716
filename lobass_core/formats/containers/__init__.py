"""The files that records come in: bytes, encodings, JSON, CSV and Arrow, each as a stream of raw records."""
