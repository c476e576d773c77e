"""The faces of ai-trader: the Telegram bot, its workers and the command line."""
