"""From a prompt (a box, clicks, a stroke) to the one object that is meant."""
