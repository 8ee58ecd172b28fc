"""The platform's custom resources as metrics: sessions, workflows, projects, and what became of them."""
