"""What people did to predictions, and what that says."""
