"""Who may open the dashboard, and how its process starts and stops."""
