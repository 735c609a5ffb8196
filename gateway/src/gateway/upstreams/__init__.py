"""The services behind the gateway: one client pool, one breaker and one retry budget each."""
