"""Simulations: a draft is run over what happened, beside what is published, and nothing else is written."""
