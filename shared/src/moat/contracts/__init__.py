"""Wire nouns: the events and requests of Moat, one module per topic, versioned."""
