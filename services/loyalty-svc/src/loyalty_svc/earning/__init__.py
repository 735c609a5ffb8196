"""Earning: orders become points by the version of the programme that was valid when they happened."""
