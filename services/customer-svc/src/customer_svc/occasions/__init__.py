"""Birthdays and anniversaries: announced as they come in the customer's own zone, so that nobody else sees his file."""
