"""One call that shows a customer: what every service knows of him, within a deadline."""
