"""Mechanisms that know no business noun."""
