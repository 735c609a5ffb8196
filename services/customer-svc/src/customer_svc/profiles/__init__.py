"""The file of a customer: what he is called, how he is reached, what he has bought in sum; and finding him."""
