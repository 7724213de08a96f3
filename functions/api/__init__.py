"""The HTTP API of compositions, its loads answered from the cache."""

VERSION = "0.1.0"
