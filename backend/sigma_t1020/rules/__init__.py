"""Rule files: found, read, examined for their form, and loaded."""
