"""What every page of the back office stands on: access, lists, filters and the look."""
