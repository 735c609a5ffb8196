"""Moat: what every service stands on and none owns."""
