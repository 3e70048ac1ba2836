"""Who may sign in: the owner's account, password and sessions."""
