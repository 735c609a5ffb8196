"""Raw facts in: each finds its customer, is recorded once, and becomes canonical events."""
