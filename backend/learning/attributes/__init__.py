"""Classes of single regions: what the crop around a box or a mask shows, and where it lies in its frame."""
