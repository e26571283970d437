"""Orders and transactions as finance reads them."""
