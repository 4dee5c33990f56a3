"""The safe form of each dangerous operation, as edits or as a plan of several migrations."""
