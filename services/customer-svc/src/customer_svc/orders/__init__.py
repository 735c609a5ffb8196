"""Orders: one row each, folded from facts that may arrive in any order."""
