"""Who is let in before anything is known of a request but where it comes from: hosts, addresses, pages."""
