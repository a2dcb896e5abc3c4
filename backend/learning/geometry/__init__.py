"""Boxes, crops, scales and colours of frames."""
