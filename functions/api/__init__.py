"""The HTTP API of compositions, its loads answered from the cache."""
