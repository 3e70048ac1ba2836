"""The commands that change keys; ``ari.keys`` offers them to the doors."""
