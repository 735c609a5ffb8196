"""PostgreSQL from a wheel and Kafka from its jars, for one machine and for tests."""
