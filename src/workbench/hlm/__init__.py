"""Hierarchical linear models: a fast engine of our own and lme4, with one result."""
