"""Every speed claim of Moat, as a command that prints ratios."""
