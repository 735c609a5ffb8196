"""Every message to a customer, sent or not, with its cause and, where it was refused, the reason."""
