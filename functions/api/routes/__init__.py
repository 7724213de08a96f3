"""The routes, a file a resource: each carries arguments to a function, and the answer back."""
