"""What is left of each award, and until when: the side of the ledger that knows which points are spent first."""
