"""Which database is trusted: servers that hang, servers that took over, and servers that went back in time."""
