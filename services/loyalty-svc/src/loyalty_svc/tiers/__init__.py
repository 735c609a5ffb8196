"""Tiers: where a member stands by his growth value, since when, and what is missing to the next."""
