"""A static package index of a folder of wheels: the simple repository API as files, readable by people too."""
