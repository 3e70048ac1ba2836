"""The usage log on the page of a key and on Settings > Usage: filters, live tail, export."""
