"""`make verify`: checks that a deployed stack, or the running local cloud, is as declared."""
