"""Multi-object tracking by detection: boxes of neighbouring frames linked into tracks."""
