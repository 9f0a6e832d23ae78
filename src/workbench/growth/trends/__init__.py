"""Indicators over the years: their change, their forecast, and what changed after a policy."""
