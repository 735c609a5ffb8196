"""What the gateway serves, as documents: one OpenAPI, one AsyncAPI, a page to read them."""
