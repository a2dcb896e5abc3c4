"""Training micro-models, and deciding which version serves."""
