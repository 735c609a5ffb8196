"""The front of the house: every request is checked, known, limited and sent to whom it belongs."""
