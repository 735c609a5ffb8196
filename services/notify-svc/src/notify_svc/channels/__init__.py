"""Ways out of the house: e-mail over SMTP now, others later."""
