"""One small file for each initialisation method; every module here is imported by the registry."""
