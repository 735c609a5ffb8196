"""Moat: the customer service."""
