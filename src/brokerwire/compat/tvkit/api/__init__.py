"""tvkit's package of this name: only the paths that users import from."""
