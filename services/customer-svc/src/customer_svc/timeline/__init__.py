"""Everything that happened to a customer, from every service, newest first."""
