"""Durable timers, set and moved in the transaction of the domain."""
