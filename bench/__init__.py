"""How fast, how large, and against what: a file per figure, measured on a stack of its own."""
