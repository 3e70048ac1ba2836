"""Email notifications for the owner: a notice for each reportable event, made and sent by a job."""
