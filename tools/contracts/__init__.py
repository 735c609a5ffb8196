"""Keeps the committed contract documents equal to the code and compatible with what was promised."""
