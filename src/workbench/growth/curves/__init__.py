"""Growth curves: how fast students grow, and where."""
