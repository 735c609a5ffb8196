"""Events between services: outbox, relay, inbox, consumer loop, dead letters, and the two logs behind one protocol."""
