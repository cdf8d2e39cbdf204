// Package bot is the Telegram edge: it takes updates in (polling or webhook), turns them into commands for the
// actors, and makes the Bot API calls that the actors owe, in the words of the group's language. It knows no storage,
// decides nothing about tickets, and remembers nothing that would be missed after a restart.
package bot
