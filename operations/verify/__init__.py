"""`make verify`: whether a deployed stack, or the running local cloud, does what it should."""
