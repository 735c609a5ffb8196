"""Apache Kafka behind the common protocol, through aiokafka; every call that can hang has a deadline."""
