"""Finding or making an SDK: an ordered chain of providers."""
