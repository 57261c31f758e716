"""What a user does, one file a job: the one door for pages, commands and notebooks."""
