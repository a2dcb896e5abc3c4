"""Predictions: when Label Studio asks, and handed over after a training."""
