"""Settlement reports of the providers, held against the books: upload, columns, differences."""
