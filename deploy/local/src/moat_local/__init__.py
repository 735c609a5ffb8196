"""Moat on one machine: embedded PostgreSQL, the processes under a supervisor, the demo."""
