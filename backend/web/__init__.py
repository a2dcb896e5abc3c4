"""HTTP: the ML-backend protocol of Label Studio, status and metrics. Parses, delegates, answers. No torch, no SQL."""
