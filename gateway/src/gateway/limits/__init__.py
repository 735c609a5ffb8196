"""How much a caller may ask for, and how much this process takes on at once."""
