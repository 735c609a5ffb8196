"""The CDNOW sample: 6,919 real orders of 2,357 customers of a music shop, 1997-01-01 to 1998-06-30.

`CDNOW_sample.txt` is copied from the Python package Lifetimes (MIT, `LICENSE-lifetimes-MIT.txt`).
"""
