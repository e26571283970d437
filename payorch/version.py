"""The version of this release, read by the build and shown by `payorch --version`."""

__version__ = "0.1.0"
