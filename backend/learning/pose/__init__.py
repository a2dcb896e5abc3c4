"""Pose: named points of one object a frame, found coarse to fine, or of each object inside the box around it."""
