"""What payorch tells people: e-mails to customers and staff, and what waits for a person."""
