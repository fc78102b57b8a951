"""The ``brokerwire`` command: a thin layer over the client and the simulator."""
