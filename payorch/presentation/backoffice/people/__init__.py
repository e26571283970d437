"""Pages about the people who work here: one's own account, and for administrators everybody's."""
