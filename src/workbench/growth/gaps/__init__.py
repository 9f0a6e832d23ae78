"""Gaps between groups, from scores or from counts."""
