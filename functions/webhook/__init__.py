"""The signed webhook by which the database says what it has changed."""
