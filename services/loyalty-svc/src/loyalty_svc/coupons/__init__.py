"""Coupons: what they take off a basket, the codes there are of them, and whose these are."""
