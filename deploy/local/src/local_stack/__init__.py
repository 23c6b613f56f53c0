"""The system as local processes on embedded servers."""
