"""Each figure of the project as a ratio against a peer or a limit that was measured in the same run."""
