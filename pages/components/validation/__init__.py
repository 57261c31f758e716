"""What the Validate page is made of."""
