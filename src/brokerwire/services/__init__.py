"""The three services of a client: market data, order execution, brokerage."""
