"""Micro-models for Label Studio: one tiny, overfitted model for each group of tasks."""
