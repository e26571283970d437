"""One CSRF protection for every unsafe route, the back office's included.

Flask-Admin has none of its own; its SecureForm and this one together would refuse every write,
so this one it is (flask-admin issue 1861).
"""

from flask_wtf import CSRFProtect

csrf = CSRFProtect()
