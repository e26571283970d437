"""The decline table as dated files, and the loader that refuses a file with a mistake in it."""
