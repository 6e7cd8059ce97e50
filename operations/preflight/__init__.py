"""`make preflight`: checks, before a deployment, that the account can take what is declared."""
