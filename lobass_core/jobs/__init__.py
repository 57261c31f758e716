"""Run folders, progress and launching: how the light rooms and a worker process talk, through files alone."""
