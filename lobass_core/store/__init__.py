"""The project's DuckDB file: who holds it, its tables, and one file a family of them."""
