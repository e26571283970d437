"""The use cases: what payorch does, step by step, through ports. Knows no database or HTTP."""
