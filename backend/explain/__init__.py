"""The idea in one dimension: one model for everything against small ones, each overfitted to its own piece."""
