"""Pages for everybody: each table that the public may see as one HTML file, written when a run publishes."""
