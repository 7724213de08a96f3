"""Real documents with their edit histories, played in by real people: what `make run` shows."""
