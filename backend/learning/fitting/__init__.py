"""Fitting networks to labelled frames: the loop of gradient steps, its beginning and end, recipes."""
