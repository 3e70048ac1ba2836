"""The processes of ``ari serve``: one parent that holds the port and never serves, and the workers that do."""
