"""The load generator beside others, part by part; ``benchmarks/load_engine.py`` runs it."""
