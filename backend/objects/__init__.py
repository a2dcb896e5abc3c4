"""Micro-models as objects: frozen values that are called, composed, kept and given on. Installed as `micro_models`."""
