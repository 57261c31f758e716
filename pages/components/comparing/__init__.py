"""The Compare page's parts: what is compared, and one file a view."""
