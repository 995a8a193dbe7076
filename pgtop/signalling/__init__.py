"""The one way back to the server: plan, confirm, audit, send, observe, report."""
