"""Classification: classes of whole frames, by ridge regression on frozen features."""
