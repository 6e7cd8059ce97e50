"""Serving the pages on this machine, to its own browser and to phones beside it."""
