"""What all HTTP doors share, without a framework: who is calling, may they, and what every answer carries."""
