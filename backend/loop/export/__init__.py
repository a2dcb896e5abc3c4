"""Taking a project's labels and predictions out, as data sets."""
