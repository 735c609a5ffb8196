"""Callers: who they are, how that is proven, what they may do."""
