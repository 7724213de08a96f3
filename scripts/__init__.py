"""Tools for who changes the project; nothing here runs in production."""
