"""Whole videos: tracks with lifespans, keyframes and ranges, from the detections in single frames."""
