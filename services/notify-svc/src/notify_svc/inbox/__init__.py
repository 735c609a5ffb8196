"""The in-app inbox: what a customer reads in the company's own app."""
