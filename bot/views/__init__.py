"""What people read: domain objects as localised text and buttons; pure."""
