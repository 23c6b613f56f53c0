"""A mail sink: takes every mail over SMTP, delivers none, keeps each as a file and lists them on a page."""
