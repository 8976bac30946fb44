"""Benchmarks: figures that anyone can repeat, printed side by side, never asserted as times in tests."""
