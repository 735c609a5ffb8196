"""Corrections by staff, with a reason, and a second person above a limit."""
