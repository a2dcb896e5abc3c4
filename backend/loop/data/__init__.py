"""What the use cases work on: projects, groups, frames, data sets, and what is known of them."""
