"""Frames on their way to sockets."""
