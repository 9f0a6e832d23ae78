"""Sign-in: a JupyterHub, and behind it one shared Voilà that knows each viewer and runs nobody's code."""
