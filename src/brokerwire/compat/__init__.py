"""The public interfaces of other packages, over this one: change the import line and go on."""
