"""How the station is spoken to: frames, the server, its outbox, and the clients on the other side."""
