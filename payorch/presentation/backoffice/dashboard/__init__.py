"""The charts, the numbers behind them, and their files."""
