"""A shared HTTP cache (RFC 9111): what services allow to be kept, in process and in Redis."""
