"""What pages, API, command line and exports read from the usage log."""
