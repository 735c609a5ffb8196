"""The embedded log: Kafka's promises in PostgreSQL, for one machine; past it only Kafka scales."""
