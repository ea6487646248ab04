"""One small file for each initialization method; every module here is imported by the registry."""
