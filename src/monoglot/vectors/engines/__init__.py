"""One small file for each engine; every module here is imported by the registry."""
