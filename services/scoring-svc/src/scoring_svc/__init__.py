"""Moat: the scoring service."""
