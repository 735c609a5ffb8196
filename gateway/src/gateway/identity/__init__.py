"""Who may come in: staff, API keys, customer tokens, and the keys that sign."""
