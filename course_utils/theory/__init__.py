"""What is true: laws, bounds and algorithms of the chapters, on numpy, scipy and torch alone."""
