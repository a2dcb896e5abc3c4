"""One file a head behind the small protocol of `base`."""
