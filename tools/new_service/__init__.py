"""Makes a service in the shape of this house, small and whole, and tells everybody who has to hear of it."""
