"""Sessions and the sockets in them, from the handshake to the end."""
