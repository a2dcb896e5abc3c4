"""Boxes of neighbouring frames linked into tracks."""
