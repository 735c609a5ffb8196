"""Moat on one machine: its servers, its six processes under a small supervisor, and the demo."""
