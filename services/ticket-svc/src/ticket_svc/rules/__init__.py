"""Rules: an event becomes a ticket, once, and another solves it."""
