"""The signed audit trail: its chain, its marks, and its verification."""
