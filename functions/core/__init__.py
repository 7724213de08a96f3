"""What the functions share: settings, tokens, the database, the cache, errors, metrics."""
