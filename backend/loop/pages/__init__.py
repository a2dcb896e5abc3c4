"""What dashboard and status show, as plain data."""
