"""The whole loop replayed on labelled frames without Label Studio, and what of the work it saves."""
