"""How AWS is reached: clients, signed requests, and which failures pass."""
