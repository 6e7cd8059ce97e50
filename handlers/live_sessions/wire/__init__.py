"""The wire protocol: messages, frames, refusals, and the sockets they travel on."""
