"""How the house is: the services' own numbers side by side, and their dead letters."""
