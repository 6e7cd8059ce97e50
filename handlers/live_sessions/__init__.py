"""What the functions share: the protocol, the session and connection rows, the sockets."""
