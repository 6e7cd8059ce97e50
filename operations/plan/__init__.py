"""`make plan`: what the program declares, or how it differs from a revision, without the CLI."""
