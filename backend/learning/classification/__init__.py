"""Classification: classes of whole frames, from frozen features, neighbours in feature space and neighbours in time."""
