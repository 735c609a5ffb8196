"""Risk: how surprising the present silence is, who is told of it, and who is asked for first."""
