"""Texts of messages: versioned documents in zh-CN and en."""
