"""Files on this machine: written whole, opened only if regular, cached, fetched from the Hub, or left alone."""
