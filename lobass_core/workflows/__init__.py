"""What a user does, one file per task: the only room that pages, commands and notebooks call."""
