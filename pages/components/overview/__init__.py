"""What the Overview page draws: the way of the rows through the project, lists of what there is, and the welcome."""
