"""Student growth percentiles: growth beside students who had scored alike."""
