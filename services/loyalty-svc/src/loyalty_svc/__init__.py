"""Moat: the loyalty service."""
