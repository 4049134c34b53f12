"""What `manage.py bench` measures: each module compares one promise with its floor."""
