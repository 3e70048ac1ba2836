"""Reports on the usage log for pages, API, command line and exports."""
