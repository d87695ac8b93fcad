"""One use case a file, written against ports."""
