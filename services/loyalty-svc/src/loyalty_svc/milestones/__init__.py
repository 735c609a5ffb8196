"""Milestones: birthdays, anniversaries, the nth order, an amount reached; each with a gift, by plan."""
