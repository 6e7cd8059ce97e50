"""The speaker's controls of the broadcast."""
