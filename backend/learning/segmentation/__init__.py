"""Segmentation: masks at full resolution, one per label and frame."""
