"""Moat: the notify service."""
