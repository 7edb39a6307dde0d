"""The software bill of materials of a wheel (PEP 770): what its side modules were made of and by, in CycloneDX's JSON."""
