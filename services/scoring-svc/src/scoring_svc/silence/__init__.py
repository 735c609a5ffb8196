"""Silence: what each customer bought and when, and how long he is usually silent between two purchases."""
