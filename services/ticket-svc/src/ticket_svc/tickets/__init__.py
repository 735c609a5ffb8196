"""Tickets: what customers ask and complain of, and what was done about it."""
