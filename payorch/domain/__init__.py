"""The business itself: values, states and rules. Imports nothing but the standard library
and the ISO 4217 data package, and never knows about databases, HTTP or Flask.
"""
