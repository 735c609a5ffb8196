"""Points accounts: every change is a posting whose entries sum to zero, and no entry ever changes."""
