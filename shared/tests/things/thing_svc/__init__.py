"""The smallest service that uses every piece of the web kit; the kit's own tests run on it."""
