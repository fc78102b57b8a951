"""The client: builds the parts and owns their lifetime."""
