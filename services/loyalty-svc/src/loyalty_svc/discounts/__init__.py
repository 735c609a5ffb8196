"""Dependence on discounts: how many of a customer's orders were bought with a coupon."""
