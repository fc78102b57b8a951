"""The reliability contract on the user's own machine, and a check-up of one login at a venue."""
