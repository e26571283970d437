"""What decline codes mean: the table with its evidence, and the rulings of staff on it."""
