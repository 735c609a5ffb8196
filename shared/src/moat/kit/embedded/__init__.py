"""Real servers for one machine, for tests and the embedded mode: PostgreSQL from a wheel, Kafka from its jars."""
