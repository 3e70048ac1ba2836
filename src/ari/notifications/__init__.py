"""What the owner is told by mail: one notice for each kind and event, made and sent by a job."""
