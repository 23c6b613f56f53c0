"""Where the files of reports lie: a protocol, and a directory or an S3 bucket that keeps it.

Imports nothing, so that the processes that render load no client of S3.
"""
