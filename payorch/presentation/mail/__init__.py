"""E-mails as their readers see them: texts in their language, as plain text and as HTML."""
