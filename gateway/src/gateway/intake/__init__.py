"""Facts in: CloudEvents from outside, checked one by one, kept by the log before they are acknowledged."""
