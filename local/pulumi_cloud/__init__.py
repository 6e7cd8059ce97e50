"""The local cloud with nothing deployed, for the Pulumi CLI: `make cloud`."""
