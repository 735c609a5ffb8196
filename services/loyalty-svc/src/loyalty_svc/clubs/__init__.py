"""Clubs: joined by invitation, by value or by paying; terms, renewals, grace, and what members have."""
