"""Detection: the boxes of a group's objects, agreed upon by network, counts and time."""
