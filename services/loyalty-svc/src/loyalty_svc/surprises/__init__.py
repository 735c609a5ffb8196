"""Surprises: gifts that nobody announced, drawn by a seed that was committed before and that anyone can check after."""
