"""The use cases of the service and the pure decisions behind them."""
