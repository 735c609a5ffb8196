"""Tasks: growth plans of several steps over what a member does, with progress, rewards and badges."""
