"""The command line: one file a command group. Words for a terminal; the rules are those of every door."""
