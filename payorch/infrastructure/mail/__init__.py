"""Ways for a mail to leave: to a mail server, into a folder, or not at all."""
