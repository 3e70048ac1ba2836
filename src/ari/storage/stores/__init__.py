"""One store per concept, each over the connection of a transaction."""
