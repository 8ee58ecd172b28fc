"""`agent-obs report`: what language models cost and did in a day, week or month, as a mail or a file."""
