"""Moat: the edge. Authentication, routing, limits, protection, a few composed reads, the event intake."""
