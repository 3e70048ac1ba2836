"""The owner's account, password and sessions."""
