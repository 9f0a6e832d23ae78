"""Ways into the workbench for data that others made."""
