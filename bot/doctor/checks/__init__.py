"""One module for each thing that is looked at. What is gathered is judged by a pure function."""
