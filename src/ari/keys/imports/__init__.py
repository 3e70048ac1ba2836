"""Keys of other systems: how they hash secrets, and how ARI finds such a secret."""
