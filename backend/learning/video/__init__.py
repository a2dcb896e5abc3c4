"""Whole videos: tracks with lifespans, keyframes and ranges, from what is seen in single frames."""
