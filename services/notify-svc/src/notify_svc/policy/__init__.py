"""May this message go out? Consent, freshness, duplicates, an address; each refusal has its reason."""
