"""The demo: a real Label Studio, the backend, and a person who labels five frames of a clip."""
