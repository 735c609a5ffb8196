"""House rules: what the shape of this house needs and no ready linter checks. Each rule is a module with its story."""
