"""Listeners: joining, leaving, changing language, and the frames sent to all of them."""
