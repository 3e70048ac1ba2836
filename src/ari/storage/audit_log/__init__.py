"""The signed audit log: its chain, its marks, and its verification."""
