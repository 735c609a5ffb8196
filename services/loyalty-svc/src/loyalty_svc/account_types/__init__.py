"""Account types as people change them: the last of the features, for whoever names a type must be asked first."""
