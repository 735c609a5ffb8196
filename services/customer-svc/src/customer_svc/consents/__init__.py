"""Consent by purpose and channel, and the one place where others ask how a customer may be reached now."""
