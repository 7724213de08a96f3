"""What runs by the clock: sweep, warm, audit."""
