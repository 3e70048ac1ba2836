"""The processes of ``ari serve``: a parent that holds the port, and the workers that serve."""
