"""What the program declares, and what a change to it changes: no Pulumi CLI, no account."""
