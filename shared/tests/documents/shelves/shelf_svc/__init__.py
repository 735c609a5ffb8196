"""The smallest service with documents: mugs on a shelf."""
