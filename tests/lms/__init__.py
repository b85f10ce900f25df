"""From each LMS's gradebook and back, for a made-up course; files and importers follow the formats' notes alone."""
