"""Moat: the ticket service."""
