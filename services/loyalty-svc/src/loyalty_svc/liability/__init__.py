"""What the programme owes its members, what that will cost, and how it came to be."""
