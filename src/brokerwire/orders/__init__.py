"""Orders that cannot be lost or doubled: the journal, the reconciliation, and what joins them to the streams."""
