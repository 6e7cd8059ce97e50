"""From a message to the frame that answers it."""
