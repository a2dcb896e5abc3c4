"""Everything that knows Label Studio: its API, its events, its labeling config, its regions, its media."""
