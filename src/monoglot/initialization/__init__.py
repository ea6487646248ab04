"""Initialization methods: from an overlap to a mixture of source rows."""
