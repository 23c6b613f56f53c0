"""What messaging does beside a bare client of the same servers, measured in one run."""
